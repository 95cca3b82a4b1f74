"""The notifier's own memory in Postgres. Each method is one transaction; none stores content."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.postgres_intake import ENTRIES, IntakeTransaction, say, set_state
from services.notifier.adapters.tables import (
    attempt,
    fact,
    intake,
    notification,
    seen,
)
from services.notifier.domain.notification import OVERTAKE_AFTER_S, Notification
from services.notifier.facts import Fact
from shared.identifiers import (
    ChildRef,
    EntryId,
    ObligationId,
    Position,
)
from shared.vocabulary import LadderState

_CARRIED_BY_NOBODY = "queue:%"
_OPEN_STATES = (LadderState.OWED.value, LadderState.DELIVERED.value)


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
                    "SELECT max(position) FROM"
                    " (SELECT position, position - row_number() OVER (ORDER BY position) AS run"
                    "    FROM notifier.seen WHERE position > :before) AS above WHERE run = :before"
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

    async def seen_above(self, position: int) -> set[int]:
        """Return the positions above one that have been taken in."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(seen.c.position).where(seen.c.position > position))
            return {row.position for row in rows}

    async def claim(self, *, now: datetime, lease_s: float, limit: int) -> list[tuple[Notification, bool]]:
        """Return notifications whose turn it is, each leased to this process and its next attempt counted.

        In position order for each child and recipient: a later one waits for the earliest that is still owed, unless
        that one has failed and this one has waited a minute; then it goes marked as overtaking (G8).
        """
        earlier = notification.alias("earlier")
        same = and_(
            earlier.c.recipient == notification.c.recipient,
            func.coalesce(earlier.c.child, "") == func.coalesce(notification.c.child, ""),
            earlier.c.state == LadderState.OWED.value,
            earlier.c.queued.is_(False),
            or_(
                earlier.c.position < notification.c.position,
                and_(
                    earlier.c.position == notification.c.position,
                    earlier.c.obligation_id < notification.c.obligation_id,
                ),
            ),
        )
        behind = exists().where(same).correlate(notification)
        behind_fresh = exists().where(and_(same, earlier.c.attempts == 0)).correlate(notification)
        waited = notification.c.created_at <= now - timedelta(seconds=OVERTAKE_AFTER_S)
        due = (
            select(notification, behind.label("overtakes"))
            .where(
                notification.c.state.in_(_OPEN_STATES),
                notification.c.next_attempt_at <= now,
                notification.c.recipient.not_like(_CARRIED_BY_NOBODY),
                or_(~behind, and_(waited, ~behind_fresh)),
            )
            .order_by(notification.c.position, notification.c.obligation_id)
            .limit(limit)
            .with_for_update(of=notification, skip_locked=True)
        )
        async with self._engine.begin() as connection:
            rows = (await connection.execute(due)).all()
            for row in rows:
                await connection.execute(
                    update(notification)
                    .where(notification.c.obligation_id == row.obligation_id)
                    .values(attempts=notification.c.attempts + 1, next_attempt_at=now + timedelta(seconds=lease_s))
                )
        return [(notification_in(row, attempts=row.attempts + 1), bool(row.overtakes)) for row in rows]

    async def begin_attempt(self, claimed: Notification, *, endpoint: str, now: datetime) -> None:
        """Write an attempt down before it is made: a crash from here on leaves it on record, its outcome not known."""
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(attempt).values(
                    obligation_id=claimed.obligation, number=claimed.attempts, endpoint=endpoint, started_at=now
                )
            )

    async def end_attempt(
        self,
        claimed: Notification,
        *,
        outcome: str,
        status: int | None,
        state: str | None,
        next_attempt_at: datetime,
        facts: Sequence[Fact],
        now: datetime,
    ) -> None:
        """Write down what came of an attempt, move the notification up, and have the ledger told, all at once."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(attempt)
                .where(attempt.c.obligation_id == claimed.obligation, attempt.c.number == claimed.attempts)
                .values(finished_at=now, outcome=outcome, status=status)
            )
            await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == claimed.obligation)
                .values(next_attempt_at=next_attempt_at, queued=False)
            )
            if state is not None:
                await set_state(connection, claimed.obligation, state)
            await say(connection, facts, now=now)

    async def stand_in_queue(
        self, claimed: Notification, *, next_attempt_at: datetime, facts: Sequence[Fact], now: datetime
    ) -> None:
        """Put a notification that no channel can carry into the human queue; it is looked at again later."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == claimed.obligation)
                .values(queued=True, next_attempt_at=next_attempt_at, attempts=notification.c.attempts - 1)
            )
            await say(connection, facts, now=now)

    async def open_facts(self, limit: int) -> list[tuple[str, str]]:
        """Return facts that the ledger does not have yet, oldest first, as key and text."""
        query = select(fact.c.key, fact.c.request).where(fact.c.position.is_(None)).order_by(fact.c.created_at)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.limit(limit))
            return [(row.key, row.request) for row in rows]

    async def fact_said(self, key: str, *, position: Position) -> None:
        """Remember that the ledger has a fact."""
        async with self._engine.begin() as connection:
            await connection.execute(update(fact).where(fact.c.key == key).values(position=position))

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
