"""Silence, in Postgres: notifications that no person has taken up by when somebody is to hear so."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, all_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.say_once import say_once
from services.notifier.adapters.tables import MAY_BE_OVERDUE, MAY_BE_UNANSWERED, notification
from services.notifier.adapters.turn_order import listed
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact

_MAY_BE_OVERDUE, _MAY_BE_UNANSWERED = text(MAY_BE_OVERDUE), text(MAY_BE_UNANSWERED)


class PostgresSilence:
    """What nobody has answered, each found until it has been said once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def overdue(self, *, now: datetime, limit: int, passing_over: Collection[str]) -> list[Notification]:
        """Return what is past its deadline, unowned, and not yet said to be so; of a withholding, undecided."""
        query = select(notification).where(notification.c.due_at < now, _MAY_BE_OVERDUE, _is_none_of(passing_over))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(notification.c.due_at).limit(limit))).all()
        return [notification_in(row) for row in rows]

    async def say_overdue(self, overdue: Notification, made: Fact, *, now: datetime) -> bool:
        """Have it said, once, that a notification is overdue; False if somebody took it up meanwhile."""
        remember = {"overdue": True}
        return await say_once(self._engine, overdue, made, if_still=_MAY_BE_OVERDUE, remember=remember, now=now)

    async def unanswered(self, *, now: datetime, limit: int, passing_over: Collection[str]) -> list[Notification]:
        """Return what nobody took up within the time for an answer, and whose sender has not been told so."""
        query = select(notification).where(
            notification.c.answer_due_at < now, _MAY_BE_UNANSWERED, _is_none_of(passing_over)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(notification.c.answer_due_at).limit(limit))).all()
        return [notification_in(row) for row in rows]

    async def say_unanswered(self, waiting: Notification, made: Fact, *, now: datetime) -> bool:
        """Have it said, once, that nobody took a notification up; False if somebody did meanwhile."""
        remember = {"answer_due_at": None}
        return await say_once(self._engine, waiting, made, if_still=_MAY_BE_UNANSWERED, remember=remember, now=now)


def _is_none_of(obligations: Collection[str]) -> ColumnElement[bool]:
    return notification.c.obligation_id != all_(listed(obligations))
