"""Where a log stands by what is stored: read whole when its writer takes office, and in memory from then on."""

from datetime import UTC, datetime

from services.ledger.domain.plan import WriterState
from services.ledger.ports import Head, StoredLog
from shared.clock import parse_rfc3339
from shared.entries import parse_entry
from shared.errors import IntegrityFailure
from shared.ledger.registry import Registry
from shared.ledger.stewardship import Stewardship
from shared.transparency.merkle import EMPTY

PAGE = 500


async def stored_state(stored: StoredLog, head: Head | None) -> WriterState:
    """Return the state that the entries up to ``head`` make; between pages others have their turn.

    Raises IntegrityFailure when the entries do not end where the head does, or contradict one another.
    """
    if head is None:
        return WriterState(EMPTY, datetime.fromtimestamp(0, UTC), Registry())
    last = await stored.entries(after=head.size - 2, limit=2, registry_only=False)
    if len(last) != 1 or last[0].position != head.size - 1:
        raise IntegrityFailure("the log's entries and its last tree head do not end at the same position")
    registry = await stored.registry()
    stewardship, after = Stewardship(), -1
    while page := await stored.stewardship_entries(after=after, limit=PAGE):
        stewardship = stewardship.with_entries(parse_entry(each.leaf) for each in page)
        after = page[-1].position
    return WriterState(head.frontier, parse_rfc3339(parse_entry(last[0].leaf).time), registry, stewardship)
