"""Whose turn it is, as questions to Postgres: what goes first, and what must wait for another about the same child."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
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
)
from sqlalchemy.sql import FromClause

from services.notifier.adapters.tables import notification
from services.notifier.domain.notification import OVERTAKE_AFTER_S, OVERTAKE_LESS_URGENT_AFTER_S
from shared.identifiers import Recipient
from shared.vocabulary import LadderState, Urgency

CANDIDATES = 200

# Written out and not as parameters, so that the indexes over what is open are found whatever the values.
_OWED: ColumnElement[str] = literal_column(f"'{LadderState.OWED.value}'")
OPEN_STATES: tuple[ColumnElement[str], ...] = (_OWED, literal_column(f"'{LadderState.DELIVERED.value}'"))


def urgency_of(table: FromClause) -> ColumnElement[int]:
    """Return how urgent a notification is, 0 for the most urgent; what is not known here counts as most urgent."""
    return case(
        *((table.c.urgency == each.value, literal_column(str(rank))) for rank, each in enumerate(Urgency)),
        else_=literal_column("0"),
    )


URGENCY = urgency_of(notification)
_TRIED = notification.c.next_attempt_at > notification.c.created_at
_ORDER = (URGENCY, _TRIED, notification.c.due_at, notification.c.next_attempt_at, notification.c.position)


def listed(texts: Collection[str]) -> ColumnElement[Sequence[str]]:
    """Return texts as one parameter, an array."""
    return literal(list(texts), ARRAY(Text))


def candidates(recipients: Collection[Recipient], *, now: datetime, of_each: int) -> Select[tuple[object, ...]]:
    """Return the question whose turn it is. Asked apart from the lock: planned as one, they can take minutes.

    Of what is as urgent, each recipient's first comes before any recipient's second, so that one with much owed to it
    leaves the others a place among the candidates.
    """
    behind, must_wait = _behind(now=now)
    of_all = func.row_number().over(order_by=_ORDER)
    of_its_recipient = func.row_number().over(partition_by=notification.c.recipient, order_by=_ORDER)
    turn = (
        select(
            notification.c.obligation_id,
            behind.label("overtakes"),
            URGENCY.label("urgency"),
            of_all.label("nth_of_all"),
            of_its_recipient.label("nth"),
        )
        .where(
            _is_due(now=now),
            notification.c.recipient == any_(listed(recipients)),
            # The former says no more than the latter, and keeps the planner from making a join of both.
            or_(~behind, ~must_wait),
        )
        .subquery("turn")
    )
    chosen = select(turn.c.obligation_id, turn.c.overtakes).where(turn.c.nth <= of_each)
    return chosen.order_by(turn.c.urgency, turn.c.nth, turn.c.nth_of_all).limit(CANDIDATES)


def locking(obligations: Collection[str], *, now: datetime) -> Select[tuple[object, ...]]:
    """Return the question for candidates that nobody else has claimed meanwhile, each locked."""
    return (
        select(notification)
        .where(notification.c.obligation_id == any_(listed(obligations)), _is_due(now=now))
        .with_for_update(skip_locked=True)
    )


def _is_due(*, now: datetime) -> ColumnElement[bool]:
    return and_(notification.c.state.in_(OPEN_STATES), notification.c.next_attempt_at <= now)


def _behind(*, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return whether an earlier one for the same child and recipient is owed, and whether one must be waited for.

    Whatever is under way is waited for. For one that is as urgent, a minute, and on while it is about to go out for
    the first time; for one that is less urgent only a moment, since its own turn may be far off.
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
    as_urgent = urgency_of(earlier) <= URGENCY
    holds_up = or_(
        under_way,
        and_(as_urgent, or_(first_turn, _came_within(OVERTAKE_AFTER_S, now=now))),
        _came_within(OVERTAKE_LESS_URGENT_AFTER_S, now=now),
    )
    return _is_there(earlier, same), _is_there(earlier, and_(same, holds_up))


def _came_within(seconds: float, *, now: datetime) -> ColumnElement[bool]:
    return notification.c.created_at > now - timedelta(seconds=seconds)


def _of_child(table: FromClause) -> ColumnElement[str]:
    """Return whom a notification is about, as the index has it; what is about no child stands together."""
    return func.coalesce(table.c.child, literal_column("''"))


def _is_there(earlier: FromClause, which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().select_from(earlier).where(which).correlate(notification)
