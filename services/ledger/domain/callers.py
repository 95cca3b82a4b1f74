"""Who may ask the ledger for what: least privilege by the door a caller came through (G13, G14)."""

from collections.abc import Mapping

from shared.entries import Entry
from shared.entry_types import STEWARDSHIP_TYPES, Is, types_that_are
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import parse_account
from shared.ledger.messages import AppendRequest
from shared.ledger.registry import LEAD_SECTION
from shared.vocabulary import EntryType

GATEWAY = "gateway"
NOTIFIER = "notifier"
OPERATOR = "operator"
AUDITOR = "auditor"

_NAMES_WHO: Mapping[EntryType, str] = {
    EntryType.AGENCY_KEY_REVOKED: "by",
    **dict.fromkeys(STEWARDSHIP_TYPES, "by"),
    EntryType.ERASURE_RECORDED: "carried_out_by",
}
"""What a person does at the operator's door and answers for, with the fact that names their account."""

_MAY_APPEND: Mapping[str, frozenset[EntryType]] = {
    GATEWAY: types_that_are(Is.BY_AGENCY),
    NOTIFIER: types_that_are(Is.BY_NOTIFIER),
    OPERATOR: types_that_are(Is.BY_OPERATOR),
}

_SCOPES: Mapping[str, str] = {GATEWAY: "agency:", NOTIFIER: "service:notifier", OPERATOR: "service:operator"}

_READS = frozenset({"/registry-entries", "/record-history", "/tree-head", "/standing"})
_STATES = frozenset({"/entry-status", "/obligation"})
_KEY_CALLS = frozenset({"/encryption-keys", "/rotate-encryption-key", "/rewrap-data-keys", "/destroy-encryption-key"})
_MAY_CALL: Mapping[str, frozenset[str]] = {
    GATEWAY: _READS
    | _STATES
    | {"/append", "/append-many", "/resolve-child", "/resolve-children", "/admit-read"}
    | {"/entries", "/who-knew", "/break-glass", "/open-signatures", "/tile"}
    | {"/overdue-reviews", "/chronology", "/find-child"},
    NOTIFIER: _READS | {"/append", "/append-many", "/entries", "/wait", "/open-section"},
    OPERATOR: _READS
    | _STATES
    | {"/append", "/append-many", "/entries", "/wait", "/stewardship-entries", "/owed", "/queue", "/open-section"}
    | {"/overdue-reviews", "/child-known"}
    | _KEY_CALLS,
    AUDITOR: _READS
    | _STATES
    | {"/entries", "/wait", "/stewardship-entries", "/owed", "/queue", "/overdue-reviews"}
    | {"/who-knew", "/break-glass", "/open-signatures", "/tile"},
}


class CallerNotPermitted(NotPermitted):
    """This caller may not ask for this."""

    code = "caller-not-permitted"


def check_call(path: str, *, caller: str) -> None:
    """Raise CallerNotPermitted unless that caller may use that path."""
    if path not in _MAY_CALL.get(caller, frozenset()):
        raise CallerNotPermitted(f"the {caller} may not call {path}")


def check_opening(entry: Entry, section: str, *, caller: str) -> None:
    """Raise CallerNotPermitted unless that caller may see that section of an entry.

    The notifier delivers what agencies recorded. The operator sees who an agency's safeguarding lead is, to reach
    them, and nothing of any child.
    """
    is_lead = entry.type is EntryType.AGENCY_REGISTERED and section == LEAD_SECTION
    if is_lead != (caller == OPERATOR):
        raise CallerNotPermitted(f"the {caller} may not open that")


def check_append(request: AppendRequest, *, caller: str) -> None:
    """Raise CallerNotPermitted or InvalidInput unless that caller may append such an entry.

    Whatever comes through the gateway must carry an agency's key, nonce, body and signature: no service can speak
    in an agency's name, and no service can accept a responsibility.
    """
    if request.type not in _MAY_APPEND.get(caller, frozenset()):
        raise CallerNotPermitted(f"the {caller} may not append {request.type}")
    if not request.idempotency.scope.startswith(_SCOPES[caller]):
        raise CallerNotPermitted(f"the {caller} may not use another's idempotency keys")
    sections = {section.name for section in request.sections}
    if caller == GATEWAY:
        if request.agency is None or request.key is None or request.nonce is None:
            raise InvalidInput("an agency's entry needs its agency, key and nonce")
        if request.idempotency.scope != f"agency:{request.agency}":
            raise CallerNotPermitted("an agency's idempotency keys are its own")
        if not {"body", "signature"} <= sections:
            raise InvalidInput("an agency's entry needs the body and the signature it was sent with")
    elif request.agency is not None or request.key is not None or request.nonce is not None:
        raise CallerNotPermitted(f"the {caller} may not speak in an agency's name")
    if caller == OPERATOR and request.type in _NAMES_WHO:
        by = request.facts.get(_NAMES_WHO[request.type])
        if not isinstance(by, str):
            raise InvalidInput(f"{request.type} says by whose account it was done", remedy="Give --by ACCOUNT.")
        parse_account(by)
    if not sections <= {"body", "signature", "note"} or len(sections) != len(request.sections):
        raise InvalidInput("a section is named body, signature or note, and each comes once")
