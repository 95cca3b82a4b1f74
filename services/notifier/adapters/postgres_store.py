"""The notifier's own memory in Postgres. Each method is one transaction; none stores content."""

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.postgres_intake import ENTRIES, IntakeTransaction
from services.notifier.adapters.tables import (
    attempt,
    intake,
    notification,
    seen,
)
from services.notifier.domain.notification import Notification
from shared.identifiers import (
    ChildRef,
    EntryId,
    ObligationId,
)


class PostgresStore:
    """The notifier's tables."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def intake(self) -> IntakeTransaction:
        """Return a transaction to take entries in with; nothing of it stands unless all of it does."""
        return IntakeTransaction(self._engine)

    async def complete_up_to(self) -> int:
        """Return the position up to which every entry has been taken in, moved up as far as it goes.

        It never goes back: what another notifier meanwhile found complete, and keeps no single positions of, stays so.
        """
        async with self._engine.begin() as connection:
            stored = await connection.scalar(select(intake.c.complete_up_to).where(intake.c.name == ENTRIES))
            before = -1 if stored is None else int(stored)
            reached = await connection.scalar(
                text(
                    "SELECT position FROM notifier.seen AS taken WHERE position > :before"
                    " AND EXISTS (SELECT FROM notifier.seen WHERE position = :before + 1)"
                    " AND NOT EXISTS (SELECT FROM notifier.seen WHERE position = taken.position + 1)"
                    " ORDER BY position LIMIT 1"
                ),
                {"before": before},
            )
            complete = before if reached is None else int(reached)
            upsert = insert(intake).values(name=ENTRIES, complete_up_to=complete)
            furthest = func.greatest(intake.c.complete_up_to, upsert.excluded.complete_up_to)
            moved = upsert.on_conflict_do_update(index_elements=["name"], set_={"complete_up_to": furthest})
            stands = int((await connection.execute(moved.returning(intake.c.complete_up_to))).scalar_one())
            await connection.execute(seen.delete().where(seen.c.position <= stands))
            return stands

    async def seen_between(self, after: int, last: int) -> set[int]:
        """Return the positions after one and up to another that have been taken in, from where all has been on."""
        query = select(seen.c.position).where(seen.c.position > after, seen.c.position <= last)
        async with self._engine.connect() as connection:
            return set(await connection.scalars(query))

    async def notifications(self, *, child: ChildRef | None = None, entry: EntryId | None = None) -> list[Notification]:
        """Return notifications in position order, of one child or one entry if asked."""
        query = select(notification).order_by(notification.c.position, notification.c.obligation_id)
        if child is not None:
            query = query.where(notification.c.child == child)
        if entry is not None:
            query = query.where(notification.c.entry_id == entry)
        async with self._engine.connect() as connection:
            return [notification_in(row) for row in await connection.execute(query.limit(10_000))]

    async def attempts(self, obligation: ObligationId) -> list[tuple[int, str, str | None, int | None]]:
        """Return number, endpoint, outcome (None: not known) and status of each attempt, in order."""
        query = select(attempt).where(attempt.c.obligation_id == obligation).order_by(attempt.c.number)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return [(row.number, row.endpoint, row.outcome, row.status) for row in rows]

    async def counts(self) -> dict[str, int]:
        """Return how many notifications stand on each rung."""
        query = select(notification.c.state, func.count().label("n")).group_by(notification.c.state)
        async with self._engine.connect() as connection:
            return {row.state: row.n for row in await connection.execute(query)}
