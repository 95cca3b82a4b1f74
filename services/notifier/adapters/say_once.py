"""Saying something of a notification once: what is said and that it was said become true in one transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.postgres_intake import say
from services.notifier.adapters.tables import notification
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact


async def say_once(
    engine: AsyncEngine,
    of: Notification,
    made: Fact,
    *,
    if_still: ColumnElement[bool] | TextClause,
    remember: Mapping[str, object],
    now: datetime,
) -> bool:
    """Have a fact said of a notification and remember that it was; False, and neither, where it no longer holds."""
    async with engine.begin() as connection:
        told = await connection.execute(
            update(notification)
            .where(notification.c.obligation_id == of.obligation, if_still)
            .values(remember)
            .returning(notification.c.obligation_id)
        )
        if told.first() is None:
            return False
        await say(connection, [made], now=now)
        return True
