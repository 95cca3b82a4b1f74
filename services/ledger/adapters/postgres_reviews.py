"""Reading from Postgres which withholdings have been found past their review, and not been decided on since."""

import asyncpg

from services.ledger.adapters.tables import REVIEW_OVERDUE_PREDICATE
from shared.entries import parse_entry
from shared.errors import Unavailable
from shared.identifiers import AgencyId, agency_recipient
from shared.ledger.reviews import OverdueReview, OverdueReviewsPage, OverdueReviewsQuery

_OVERDUE = f"""
SELECT e.leaf FROM ledger.entry e
 WHERE e.{REVIEW_OVERDUE_PREDICATE} AND e.position > $1
   AND EXISTS (SELECT 1 FROM ledger.obligation o
                WHERE o.position = e.position AND ($3 = '' OR o.recipient = $3)
                  AND NOT EXISTS (SELECT 1 FROM ledger.obligation_step d
                                   WHERE d.obligation_id = o.obligation_id AND d.state = 'decided'))
 ORDER BY e.position LIMIT $2
"""  # noqa: S608
LARGEST_PAGE = 1000


class PostgresReviews:
    """Reads over a pool of connections. Raises Unavailable when the database does not answer."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def overdue(self, query: OverdueReviewsQuery) -> OverdueReviewsPage:
        """Return the overdue reviews that were found after a position, in order."""
        recipient = agency_recipient(AgencyId(query.agency)) if query.agency is not None else ""
        limit = max(1, min(query.limit, LARGEST_PAGE))
        try:
            rows = await self._pool.fetch(_OVERDUE, query.after, limit, recipient)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("the ledger's database does not answer") from error
        return OverdueReviewsPage(tuple(_overdue(row["leaf"]) for row in rows))


def _overdue(leaf: bytes) -> OverdueReview:
    entry = parse_entry(leaf)
    owed = entry.obligations[0]
    return OverdueReview(
        withholding=entry.causes[0],
        child=entry.subjects[0].ref if entry.subjects else None,
        review_due_on=str(entry.facts.get("review_due_on")),
        recipient=owed.recipient,
        notification=owed.id,
        position=entry.position,
        found_at=entry.time,
    )
