"""What is owed to recipients to whom no channel leads, in Postgres."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import all_, and_, any_, func, not_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.notification_rows import notification_in
from services.notifier.adapters.say_once import say_once
from services.notifier.adapters.tables import OPEN, notification
from services.notifier.adapters.turn_order import OPEN_STATES, URGENCY, listed
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact
from shared.identifiers import Recipient

_IS_WAITING = (notification.c.state.in_(OPEN_STATES), not_(notification.c.queued))

# One step through the index for each recipient, however much is open for each.
_IS_OPEN = text(f"{OPEN} AND NOT queued")
_FIRST = select(func.min(notification.c.recipient).label("recipient")).where(_IS_OPEN).cte("each_once", recursive=True)
_NEXT = select(func.min(notification.c.recipient)).where(_IS_OPEN, notification.c.recipient > _FIRST.c.recipient)
_EACH_ONCE = _FIRST.union_all(select(_NEXT.scalar_subquery()).where(_FIRST.c.recipient.is_not(None)))
_RECIPIENTS = select(_EACH_ONCE.c.recipient).where(_EACH_ONCE.c.recipient.is_not(None))


class PostgresChannels:
    """What stands in no human queue, by recipient. Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def recipients(self) -> set[Recipient]:
        """Return to whom anything is open that stands in no human queue."""
        async with self._engine.connect() as connection:
            return {Recipient(each) for each in await connection.scalars(_RECIPIENTS)}

    async def waiting_for(
        self, recipients: Collection[Recipient], *, limit: int, passing_over: Collection[str]
    ) -> list[Notification]:
        """Return what is open to these recipients and stands in no human queue, the most urgent first."""
        query = (
            select(notification)
            .where(
                *_IS_WAITING,
                notification.c.recipient == any_(listed(recipients)),
                notification.c.obligation_id != all_(listed(passing_over)),
            )
            .order_by(URGENCY, notification.c.due_at)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [notification_in(row) for row in await connection.execute(query)]

    async def queue(self, owed: Notification, made: Fact, *, now: datetime) -> bool:
        """Put a notification into the human queue, once; it goes out when there is a channel. False if it stood there.

        What is no longer open is left as it is.
        """
        return await say_once(self._engine, owed, made, if_still=and_(*_IS_WAITING), remember={"queued": True}, now=now)
