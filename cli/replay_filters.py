"""What `exchange audit replay` may be asked for: a filter that can match nothing is refused, not met with nothing."""

from services.ledger.audit.replay import Selection
from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput
from shared.identifiers import parse_agency_id, parse_child_ref
from shared.reference.authorities import AuthorityRegister
from shared.vocabulary import EntryType


def selection_of(
    register: AuthorityRegister, *, as_at: str, child: str, agency: str, authority: str, entry_type: str
) -> Selection:
    """Return the selection that filters mean; an empty one is not asked for. Raises InvalidInput with what to write."""
    return Selection(
        as_at=moment(as_at) if as_at else None,
        child=_child(child) if child else None,
        agency=_agency(agency) if agency else None,
        authority=_authority(authority, register) if authority else None,
        type=_type(entry_type) if entry_type else None,
    )


def moment(text: str) -> str:
    """Return a moment as the ledger writes it. Raises InvalidInput when it is not RFC 3339."""
    return rfc3339(parse_rfc3339(text))


def _child(text: str) -> str:
    try:
        return parse_child_ref(text)
    except InvalidInput as error:
        raise InvalidInput(
            error.detail, remedy="Give the reference (`ref`) that an answer or an entry about the child has."
        ) from error


def _agency(text: str) -> str:
    try:
        return parse_agency_id(text)
    except InvalidInput as error:
        raise InvalidInput(error.detail, remedy="`exchange agency list` shows the ids.") from error


def _authority(text: str, register: AuthorityRegister) -> str:
    # An entry keeps the code that was in force when it was recorded: an abolished one is asked for as it was.
    code = text.strip().upper()
    if code not in set(register.all_codes()):
        raise InvalidInput(
            f"{text!r} is no code in the register of authorities", remedy="Give a GSS code, such as E06000005."
        )
    return code


def _type(text: str) -> str:
    known = [each.value for each in EntryType]
    if text not in known:
        raise InvalidInput(f"{text!r} is no type of entry", remedy="Use one of: " + ", ".join(known))
    return text
