"""Silence, in Postgres: notifications that no person has taken up by when somebody is to hear so."""

from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.postgres_intake import say
from services.notifier.adapters.tables import notification
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact
from shared.ledger.progress import PROGRESS_TYPES
from shared.vocabulary import WITHHOLDING_TYPES, EntryType, LadderState

MOST_AT_ONCE = 100

_NEVER_OVERDUE = tuple(each.value for each in (EntryType.NOTIFICATION_OVERDUE, *sorted(PROGRESS_TYPES)))
"""News of what is overdue, or of how far a record has come: no concern that somebody must own."""
_UNOWNED = notification.c.state.not_in((LadderState.OWNED.value, LadderState.DECIDED.value))


class PostgresSilence:
    """What nobody has answered, each found until it has been said once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def overdue(self, *, now: datetime) -> list[Notification]:
        """Return what is past its deadline, unowned, and not yet said to be so; of a withholding, undecided."""
        undecided = and_(
            notification.c.entry_type.in_([each.value for each in WITHHOLDING_TYPES]),
            notification.c.state != LadderState.DECIDED.value,
        )
        query = select(notification).where(
            notification.c.due_at < now,
            notification.c.overdue.is_(False),
            or_(_UNOWNED, undecided),
            notification.c.entry_type.not_in(_NEVER_OVERDUE),
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.limit(MOST_AT_ONCE))).all()
        return [notification_in(row) for row in rows]

    async def say_overdue(self, overdue: Notification, made: Fact, *, now: datetime) -> None:
        """Have it said, once, that a notification is overdue."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(notification).where(notification.c.obligation_id == overdue.obligation).values(overdue=True)
            )
            await say(connection, [made], now=now)

    async def unanswered(self, *, now: datetime) -> list[Notification]:
        """Return what nobody took up within the time for an answer, and whose sender has not been told so."""
        query = select(notification).where(notification.c.answer_due_at < now, _UNOWNED)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(notification.c.answer_due_at).limit(MOST_AT_ONCE))).all()
        return [notification_in(row) for row in rows]

    async def say_unanswered(self, waiting: Notification, made: Fact, *, now: datetime) -> None:
        """Have it said, once, that nobody took a notification up; not if somebody did meanwhile."""
        async with self._engine.begin() as connection:
            told = await connection.execute(
                update(notification)
                .where(
                    notification.c.obligation_id == waiting.obligation,
                    notification.c.answer_due_at.is_not(None),
                    _UNOWNED,
                )
                .values(answer_due_at=None)
                .returning(notification.c.obligation_id)
            )
            if told.first() is not None:
                await say(connection, [made], now=now)
