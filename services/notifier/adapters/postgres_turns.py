"""Whose turn it is, in Postgres: what is claimed, begun, ended, put off, or put before people. No content is stored."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    all_,
    and_,
    any_,
    case,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import FromClause

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.postgres_intake import say, set_state
from services.notifier.adapters.tables import attempt, notification
from services.notifier.domain.notification import OVERTAKE_AFTER_S, Notification
from services.notifier.facts import Fact
from shared.identifiers import Recipient
from shared.vocabulary import LadderState, Urgency

# Written out and not as parameters, so that the indexes over what is open are found whatever the values.
_OWED: ColumnElement[str] = literal_column(f"'{LadderState.OWED.value}'")
_OPEN: tuple[ColumnElement[str], ...] = (_OWED, literal_column(f"'{LadderState.DELIVERED.value}'"))
_URGENCY = case(
    *((notification.c.urgency == each.value, rank) for rank, each in enumerate(Urgency)), else_=literal_column("0")
)
"""From the most urgent on; what is not known here counts as most urgent."""
_TRIED = notification.c.next_attempt_at > notification.c.created_at
_ORDER = (_URGENCY, _TRIED, notification.c.due_at, notification.c.next_attempt_at, notification.c.position)

_CARRIED_BY_NOBODY = "queue:%"
CANDIDATES = 200


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
        takes: Callable[[Notification], bool],
    ) -> list[Claimed]:
        """Return what is to go out now to some recipients, each leased to this process. Ask again while there is any.

        What ``takes`` refuses is left for later. The most urgent comes first; of what is as urgent, what was never
        tried before what was, and then what is due first, with at most ``of_each`` of a recipient. In position order
        for each child and recipient: a later one waits for the earliest that is still owed, unless that one has
        failed, is not under way, and this one has waited a minute; then it goes marked as overtaking (G8).
        """
        if not recipients:
            return []
        async with self._engine.begin() as connection:
            found = await connection.execute(_candidates(recipients, now=now, of_each=of_each))
            overtakes = {row.obligation_id: bool(row.overtakes) for row in found}
            rows = (await connection.execute(_locking(list(overtakes), now=now))).all() if overtakes else []
            candidates = [Claimed(notification_in(row), overtakes[row.obligation_id]) for row in rows]
            claimed = [each for each in candidates if takes(each.notification)]
            if not claimed:
                return []
            until = now + timedelta(seconds=lease_s)
            obligations = [each.notification.obligation for each in claimed]
            await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == any_(_listed(obligations)))
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

    async def without_channel(self, reachable: Collection[Recipient], *, limit: int) -> list[Notification]:
        """Return what is owed to others than these recipients and is in no human queue, the most urgent first."""
        query = (
            select(notification)
            .where(
                notification.c.state.in_(_OPEN),
                not_(notification.c.queued),
                notification.c.recipient.not_like(_CARRIED_BY_NOBODY),
                notification.c.recipient != all_(_listed(reachable)),
            )
            .order_by(_URGENCY, notification.c.due_at)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [notification_in(row) for row in await connection.execute(query)]

    async def queue_without_channel(self, owed: Notification, made: Fact, *, now: datetime) -> None:
        """Put a notification to which no channel leads into the human queue, once; it goes out when there is one."""
        async with self._engine.begin() as connection:
            queued = await connection.execute(
                update(notification)
                .where(
                    notification.c.obligation_id == owed.obligation,
                    notification.c.state.in_(_OPEN),
                    not_(notification.c.queued),
                )
                .values(queued=True)
                .returning(notification.c.obligation_id)
            )
            if queued.first() is not None:
                await say(connection, [made], now=now)


def _listed(texts: Collection[str]) -> ColumnElement[Sequence[str]]:
    return literal(list(texts), ARRAY(Text))


async def _release(
    connection: AsyncConnection, claimed: Notification, *, next_attempt_at: datetime, queued: bool
) -> None:
    await connection.execute(
        update(notification)
        # Not when another process has begun an attempt since: the lease is that one's.
        .where(notification.c.obligation_id == claimed.obligation, notification.c.attempts == claimed.attempts)
        .values(next_attempt_at=next_attempt_at, leased_until=None, queued=queued)
    )


def _is_due(*, now: datetime) -> ColumnElement[bool]:
    return and_(notification.c.state.in_(_OPEN), notification.c.next_attempt_at <= now)


def _candidates(recipients: Collection[Recipient], *, now: datetime, of_each: int) -> Select[tuple[object, ...]]:
    """Return the question whose turn it is. Asked apart from the lock: planned as one, they can take minutes."""
    behind, must_wait = _behind(now=now)
    waited = notification.c.created_at <= now - timedelta(seconds=OVERTAKE_AFTER_S)
    of_all = func.row_number().over(order_by=_ORDER)
    of_its_recipient = func.row_number().over(partition_by=notification.c.recipient, order_by=_ORDER)
    turn = (
        select(
            notification.c.obligation_id,
            behind.label("overtakes"),
            of_all.label("nth_of_all"),
            of_its_recipient.label("nth"),
        )
        .where(
            _is_due(now=now),
            notification.c.recipient == any_(_listed(recipients)),
            or_(~behind, and_(waited, ~must_wait)),
        )
        .subquery("turn")
    )
    chosen = select(turn.c.obligation_id, turn.c.overtakes).where(turn.c.nth <= of_each)
    return chosen.order_by(turn.c.nth_of_all).limit(CANDIDATES)


def _locking(obligations: Collection[str], *, now: datetime) -> Select[tuple[object, ...]]:
    """Return the question for candidates that nobody else has claimed meanwhile, each locked."""
    return (
        select(notification)
        .where(notification.c.obligation_id == any_(_listed(obligations)), _is_due(now=now))
        .order_by(*_ORDER)
        .with_for_update(skip_locked=True)
    )


def _behind(*, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return whether an earlier one for the same child and recipient is owed, and whether one must be waited for.

    The latter is one that is under way, or is about to go out for the first time.
    """
    earlier = notification.alias("earlier")
    same = and_(
        earlier.c.recipient == notification.c.recipient,
        _of_child(earlier) == _of_child(notification),
        earlier.c.state == _OWED,
        not_(earlier.c.queued),
        tuple_(earlier.c.position, earlier.c.obligation_id)
        < tuple_(notification.c.position, notification.c.obligation_id),
    )
    under_way = earlier.c.leased_until > now
    first_turn = and_(earlier.c.attempts == 0, earlier.c.next_attempt_at <= now)
    return _is_there(earlier, same), _is_there(earlier, and_(same, or_(under_way, first_turn)))


def _of_child(table: FromClause) -> ColumnElement[str]:
    """Return whom a notification is about, as the index has it; what is about no child stands together."""
    return func.coalesce(table.c.child, literal_column("''"))


def _is_there(earlier: FromClause, which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().select_from(earlier).where(which).correlate(notification)
