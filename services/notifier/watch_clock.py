"""Watching the clock: a deadline that passes unowned is told to people and to the referrer. Silence is an event.

The referrer hears of it after one working day, even where the deadline itself is later.
"""

import asyncio

import structlog

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.domain.notification import Notification
from services.notifier.facts import FactMaker
from shared.clock import Clock
from shared.process.taking_turns import each_apart, take_turns

WORK = "clock"
LOOK_EVERY_S = 2.0

log = structlog.get_logger()


class ClockWatcher:
    """Finds what is overdue or unanswered and has it said, once for each obligation."""

    def __init__(self, *, silence: PostgresSilence, facts: FactMaker, clock: Clock) -> None:
        self._silence = silence
        self._facts = facts
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled."""
        await asyncio.gather(
            take_turns(self._look_for_overdue, work=WORK, retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY),
            take_turns(self._look_for_unanswered, work=WORK, retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY),
        )

    async def say_overdue(self) -> int:
        """Have everything said that is overdue now; returns how many."""
        now = self._clock.now()

        async def say(each: Notification) -> bool:
            said = await self._silence.say_overdue(each, self._facts.overdue(each, now=now), now=now)
            if said:
                log.warning("notification_overdue", obligation=each.obligation)
            return said

        return await each_apart(await self._silence.overdue(now=now), say, work=WORK, away=DATABASE_AWAY)

    async def say_unanswered(self) -> int:
        """Have those told whose concern nobody took up within the time for an answer; returns of how many concerns."""
        now = self._clock.now()

        async def say(each: Notification) -> bool:
            said = await self._silence.say_unanswered(each, self._facts.unanswered(each, now=now), now=now)
            if said:
                log.info("notification_unanswered", obligation=each.obligation)
            return said

        return await each_apart(await self._silence.unanswered(now=now), say, work=WORK, away=DATABASE_AWAY)

    async def _look_for_overdue(self) -> float:
        await self.say_overdue()
        return LOOK_EVERY_S

    async def _look_for_unanswered(self) -> float:
        await self.say_unanswered()
        return LOOK_EVERY_S
