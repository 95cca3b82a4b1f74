"""Watching the clock: a deadline that passes unowned is told to people and to the referrer. Silence is an event.

The referrer hears of it after one working day, even where the deadline itself is later.
"""

import asyncio

import structlog

from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.facts import FactMaker
from shared.clock import Clock

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
        while True:
            try:
                await self.say_overdue()
                await self.say_unanswered()
            except Exception as error:
                # The database is away: deadlines do not go away with it.
                log.warning("clock_interrupted", kind=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY_S)

    async def say_overdue(self) -> int:
        """Have everything said that is overdue now; returns how many."""
        now = self._clock.now()
        found = await self._silence.overdue(now=now)
        for each in found:
            await self._silence.say_overdue(each, self._facts.overdue(each, now=now), now=now)
            log.warning("notification_overdue", obligation=each.obligation)
        return len(found)

    async def say_unanswered(self) -> int:
        """Have those told whose concern nobody took up within the time for an answer; returns of how many concerns."""
        now = self._clock.now()
        found = await self._silence.unanswered(now=now)
        for each in found:
            await self._silence.say_unanswered(each, self._facts.unanswered(each, now=now), now=now)
            log.info("notification_unanswered", obligation=each.obligation)
        return len(found)
