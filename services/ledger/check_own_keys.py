"""An agency's word on its own keys, verified by the ledger again: no gateway lets itself in by a key of its making."""

from collections.abc import Callable, Mapping

import msgspec

from shared.clock import Clock, parse_rfc3339
from shared.entry_types import OWN_KEY_TYPES
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import AgencyId, KeyThumbprint
from shared.ledger.messages import AppendRequest
from shared.ledger.own_keys import (
    KEYS_PATH,
    OwnKeyRecord,
    OwnKeyRevocationRecord,
    key_facts,
    leaves_compromise_open,
    revocation_facts,
    revocations_path,
)
from shared.ledger.registry import KeyFacts, Registry, RevocationFacts
from shared.signatures.evidence import verify_evidence
from shared.signatures.keys import public_key_from_jwk
from shared.vocabulary import EntryType


class NotWhatWasSigned(NotPermitted):
    """What is to be recorded of an agency's keys is not what the agency signed."""

    code = "not-what-was-signed"


class OwnKeyChecker:
    """Checks what comes through the gateway about an agency's own keys, before it is decided on.

    ``registry`` gives the registry as far as the ledger has been released: reading it anew for each request would take
    longer and longer as it grows, and hold up the writer meanwhile.
    """

    def __init__(self, *, registry: Callable[[], Registry], clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def check(self, request: AppendRequest) -> None:
        """Return when the agency itself asked for exactly this.

        Raises NotWhatWasSigned and what a signature can, and NotWriting when this process is not the writer.
        """
        if request.type in OWN_KEY_TYPES and request.agency is not None:
            check_own_key(request, self._registry(), clock=self._clock)


def check_own_key(request: AppendRequest, registry: Registry, *, clock: Clock) -> None:
    """Raise unless the body, signed with a key that the agency has, asks for the facts that are to be recorded."""
    sections = {section.name: section.content for section in request.sections}
    registered = registry.key_valid_at(str(request.key), at=clock.now())
    if registered.agency != request.agency:
        raise NotWhatWasSigned("the key that signed this is another agency's")
    signed = verify_evidence(sections["signature"], key=public_key_from_jwk(registered.jwk))
    signed.check_body(sections["body"])
    path, asked = _asked(request, sections["body"], registered.agency, registry)
    covered = tuple(signed.components[name] for name in ('"@method"', '"@path"', '"idempotency-key"'))
    if covered != ("POST", path, request.idempotency.key) or signed.nonce != request.nonce:
        raise NotWhatWasSigned("what was signed is another request")
    if not _says(request.facts, asked):
        raise NotWhatWasSigned("what is to be recorded is not what was signed")


def _says(facts: Mapping[str, object], asked: KeyFacts | RevocationFacts) -> bool:
    """Return whether facts say what was asked. A gateway of an earlier release leaves out what it does not know."""
    try:
        return msgspec.convert(facts, type(asked)) == asked
    except msgspec.ValidationError:
        return False


def _asked(
    request: AppendRequest, body: bytes, agency: AgencyId, registry: Registry
) -> tuple[str, KeyFacts | RevocationFacts]:
    """Return where the body must have been posted to, and the facts that it asks for."""
    try:
        if request.type is EntryType.AGENCY_KEY_ADDED:
            record = msgspec.json.decode(body, type=OwnKeyRecord)
            # Left open, it begins when the gateway took it; the agency signed no other moment.
            return KEYS_PATH, key_facts(record, agency=agency, recorded_at=str(request.facts.get("valid_from")))
        thumbprint = str(request.facts.get("thumbprint"))
        revocation = msgspec.json.decode(body, type=OwnKeyRevocationRecord)
        since = _since(request, registry) if leaves_compromise_open(revocation) else None
        return revocations_path(thumbprint), revocation_facts(revocation, thumbprint=thumbprint, first_valid=since)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("the body that was signed says nothing of a key") from error


def _since(request: AppendRequest, registry: Registry) -> str | None:
    """Return from when on a gateway says that a key was compromised whose agency does not say it.

    Raises NotWhatWasSigned where that would leave out anything that the key may have signed.
    """
    key = registry.keys.get(KeyThumbprint(str(request.facts.get("thumbprint"))))
    said = request.facts.get("compromised_from")
    since = said if isinstance(said, str) else None
    if key is not None and (since is None or parse_rfc3339(since) > key.first_valid()):
        raise NotWhatWasSigned("what is to be suspect of a stolen key is not all that it signed")
    return since
