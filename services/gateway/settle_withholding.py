"""A share that follows on a withholding names it: the ledger ties the two, and what was put to people is settled."""

from dataclasses import dataclass

from services.gateway.admit_request import Admitted
from services.gateway.domain.record import said
from services.gateway.domain.reviewing import settled_by_a_decision
from services.gateway.ports import Ledger
from shared.entries import parse_entry
from shared.errors import InvalidInput, NotFound
from shared.identifiers import EntryId, ObligationId, parse_entry_id
from shared.vocabulary import EntryType


@dataclass(frozen=True, slots=True)
class Followed:
    """The withholding that a share follows on, and what the share settles."""

    withholding: EntryId
    settles: list[ObligationId]


async def withholding_followed(named: str | None, admitted: Admitted, *, ledger: Ledger) -> Followed | None:
    """Return which withholding of the agency's own a share follows on; None when it names none of them.

    Another agency's withholding is as none at all. Raises Unavailable.
    """
    given = said(named)
    if given is None:
        return None
    try:
        history = await ledger.record_history(parse_entry_id(given))
    except (InvalidInput, NotFound):
        return None
    record = parse_entry(history.record.leaf)
    if record.id != given or record.type is not EntryType.WITHHOLDING_RECORDED or record.agency != admitted.agency_id:
        return None
    return Followed(record.id, settled_by_a_decision(history.owed, admitted.agency_id))
