"""Silence, in Postgres: notifications that no person has taken up by when somebody is to hear so."""

from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.postgres_intake import say
from services.notifier.adapters.tables import MAY_BE_OVERDUE, MAY_BE_UNANSWERED, notification
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact

MOST_AT_ONCE = 100

_MAY_BE_OVERDUE, _MAY_BE_UNANSWERED = text(MAY_BE_OVERDUE), text(MAY_BE_UNANSWERED)


class PostgresSilence:
    """What nobody has answered, each found until it has been said once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def overdue(self, *, now: datetime) -> list[Notification]:
        """Return what is past its deadline, unowned, and not yet said to be so; of a withholding, undecided."""
        query = select(notification).where(notification.c.due_at < now, _MAY_BE_OVERDUE)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(notification.c.due_at).limit(MOST_AT_ONCE))).all()
        return [notification_in(row) for row in rows]

    async def say_overdue(self, overdue: Notification, made: Fact, *, now: datetime) -> bool:
        """Have it said, once, that a notification is overdue; False if somebody took it up meanwhile."""
        async with self._engine.begin() as connection:
            told = await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == overdue.obligation, _MAY_BE_OVERDUE)
                .values(overdue=True)
                .returning(notification.c.obligation_id)
            )
            if told.first() is None:
                return False
            await say(connection, [made], now=now)
            return True

    async def unanswered(self, *, now: datetime) -> list[Notification]:
        """Return what nobody took up within the time for an answer, and whose sender has not been told so."""
        query = select(notification).where(notification.c.answer_due_at < now, _MAY_BE_UNANSWERED)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(notification.c.answer_due_at).limit(MOST_AT_ONCE))).all()
        return [notification_in(row) for row in rows]

    async def say_unanswered(self, waiting: Notification, made: Fact, *, now: datetime) -> bool:
        """Have it said, once, that nobody took a notification up; False if somebody did meanwhile."""
        async with self._engine.begin() as connection:
            told = await connection.execute(
                update(notification)
                .where(notification.c.obligation_id == waiting.obligation, _MAY_BE_UNANSWERED)
                .values(answer_due_at=None)
                .returning(notification.c.obligation_id)
            )
            if told.first() is None:
                return False
            await say(connection, [made], now=now)
            return True
