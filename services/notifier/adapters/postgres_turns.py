"""Whose turn it is, in Postgres: what is claimed, begun, ended, put off, or put before people. No content is stored."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import any_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.postgres_intake import say, set_state
from services.notifier.adapters.tables import attempt, notification
from services.notifier.adapters.turn_order import candidates, listed, locking
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact
from shared.identifiers import ObligationId, Recipient


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notification whose turn it is, leased to this process; ``overtakes``: it goes before one that failed (G8)."""

    notification: Notification
    overtakes: bool


class PostgresTurns:
    """The turns of notifications. Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(
        self,
        recipients: Collection[Recipient],
        *,
        now: datetime,
        lease_s: float,
        of_each: int,
        choose: Callable[[Sequence[Notification]], Collection[ObligationId]],
    ) -> list[Claimed]:
        """Return what is to go out now to some recipients, each leased to this process. Ask again while there is any.

        What ``choose`` does not take of the candidates is left for later. The most urgent come first; of what is as
        urgent, what was never tried before what was, and then what is due first, with at most ``of_each`` of a
        recipient. In position order for each child and recipient: a later one waits for the earlier that are still
        owed. When those have failed or are less urgent, and none is under way, it waits a minute for what is as urgent
        and a moment for what is not; then it goes marked as overtaking (G8).
        """
        if not recipients:
            return []
        async with self._engine.begin() as connection:
            found = await connection.execute(candidates(recipients, now=now, of_each=of_each))
            overtakes = {row.obligation_id: bool(row.overtakes) for row in found}
            rows = (await connection.execute(locking(list(overtakes), now=now))).all() if overtakes else []
            locked = {row.obligation_id: notification_in(row) for row in rows}
            chosen = choose([locked[each] for each in overtakes if each in locked])
            if not chosen:
                return []
            claimed = [Claimed(locked[each], overtakes[each]) for each in chosen]
            until = now + timedelta(seconds=lease_s)
            await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == any_(listed(chosen)))
                .values(next_attempt_at=until, leased_until=until)
            )
        return claimed

    async def begin_attempt(self, claimed: Notification, *, endpoint: str, now: datetime, lease_s: float) -> int | None:
        """Write an attempt down before it is made, and return its number.

        A crash from here on leaves it on record, its outcome not known. None: another process, which claimed it when
        the lease had passed, has begun one meanwhile; then none is to be made here.
        """
        until, number = now + timedelta(seconds=lease_s), claimed.attempts + 1
        async with self._engine.begin() as connection:
            begun = await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == claimed.obligation, notification.c.attempts == claimed.attempts)
                .values(attempts=number, next_attempt_at=until, leased_until=until)
                .returning(notification.c.attempts)
            )
            if begun.first() is None:
                return None
            await connection.execute(
                insert(attempt).values(
                    obligation_id=claimed.obligation, number=number, endpoint=endpoint, started_at=now
                )
            )
        return number

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
            await _release(connection, claimed, next_attempt_at=next_attempt_at, queued=False)
            if state is not None:
                await set_state(connection, claimed.obligation, state)
            await say(connection, facts, now=now)

    async def put_off(self, claimed: Notification, *, next_attempt_at: datetime) -> None:
        """Leave a notification for later, no attempt being made: nothing is counted against its recipient."""
        async with self._engine.begin() as connection:
            await _release(connection, claimed, next_attempt_at=next_attempt_at, queued=claimed.queued)

    async def stand_in_queue(
        self, claimed: Notification, *, next_attempt_at: datetime, facts: Sequence[Fact], now: datetime
    ) -> None:
        """Put a notification that cannot be carried into the human queue; it is looked at again later."""
        async with self._engine.begin() as connection:
            await _release(connection, claimed, next_attempt_at=next_attempt_at, queued=True)
            await say(connection, facts, now=now)


async def _release(
    connection: AsyncConnection, claimed: Notification, *, next_attempt_at: datetime, queued: bool
) -> None:
    await connection.execute(
        update(notification)
        # Not when another process has begun an attempt since: the lease is that one's.
        .where(notification.c.obligation_id == claimed.obligation, notification.c.attempts == claimed.attempts)
        .values(next_attempt_at=next_attempt_at, leased_until=None, queued=queued)
    )
