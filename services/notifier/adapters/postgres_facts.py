"""The facts that the ledger is still to be told, in Postgres: each waits its own time, and none holds up another."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.tables import fact
from shared.identifiers import Position

_OPEN = fact.c.position.is_(None)


@dataclass(frozen=True, slots=True)
class OpenFact:
    """A fact that the ledger does not have yet: its key, its request as text, how often it was tried in vain."""

    key: str
    request: str
    tries: int


class PostgresFacts:
    """Facts until the ledger has them. Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(self, *, now: datetime, limit: int) -> list[OpenFact]:
        """Return facts that are to be tried now, first those that have waited longest since they were made or tried."""
        query = (
            select(fact.c.key, fact.c.request, fact.c.tries)
            .where(_OPEN, or_(fact.c.not_before.is_(None), fact.c.not_before <= now))
            .order_by(func.coalesce(fact.c.not_before, fact.c.created_at))
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [OpenFact(row.key, row.request, row.tries) for row in await connection.execute(query)]

    async def said(self, key: str, *, position: Position) -> None:
        """Remember that the ledger has a fact."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(fact).where(fact.c.key == key).values(position=position, not_before=None, refused=None)
            )

    async def put_off(self, key: str, *, not_before: datetime, refused: str | None) -> None:
        """Leave a fact for later; ``refused`` is the code of why the ledger would not have it, None if it was away."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(fact)
                .where(fact.c.key == key)
                .values(tries=fact.c.tries + 1, not_before=not_before, refused=refused)
            )

    async def waiting(self) -> tuple[int, int]:
        """Return how many facts the ledger does not have yet, and how many of them it refused when last asked."""
        async with self._engine.connect() as connection:
            counted = select(func.count(), func.count(fact.c.refused)).where(_OPEN)
            row = (await connection.execute(counted)).one()
            return int(row[0]), int(row[1])
