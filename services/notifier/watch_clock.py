"""Watching the clock: a deadline that passes unowned is told to people and to the referrer. Silence is an event.

The referrer hears of it after one working day, even where the deadline itself is later.
"""

import asyncio
from collections.abc import Collection, Sequence

import structlog

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.domain.notification import Notification
from services.notifier.facts import FactMaker
from services.notifier.rounds import AT_ONCE, Rounds
from shared.clock import Clock
from shared.process.taking_turns import take_turns

WORK = "clock"
LOOK_EVERY_S = 2.0

log = structlog.get_logger()


class ClockWatcher:
    """Finds what is overdue or unanswered and has it said, once for each obligation."""

    def __init__(self, *, silence: PostgresSilence, facts: FactMaker, clock: Clock) -> None:
        self._silence = silence
        self._facts = facts
        self._clock = clock
        self._overdue = Rounds(self._find_overdue, self._say_overdue, name_of=lambda each: each.obligation, work=WORK)
        self._unanswered = Rounds(
            self._find_unanswered, self._say_unanswered, name_of=lambda each: each.obligation, work=WORK
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        await asyncio.gather(
            take_turns(self._look_for_overdue, work=WORK, retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY),
            take_turns(self._look_for_unanswered, work=WORK, retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY),
        )

    async def say_overdue(self) -> int:
        """Have said what is overdue now, some of it at a time; returns how many."""
        return await self._overdue.go_on()

    async def say_unanswered(self) -> int:
        """Have those told whose concern nobody took up within the time for an answer; returns of how many concerns."""
        return await self._unanswered.go_on()

    async def _find_overdue(self, passing_over: Collection[str]) -> Sequence[Notification]:
        return await self._silence.overdue(now=self._clock.now(), limit=AT_ONCE, passing_over=passing_over)

    async def _say_overdue(self, each: Notification) -> bool:
        now = self._clock.now()
        said = await self._silence.say_overdue(each, self._facts.overdue(each, now=now), now=now)
        if said:
            log.warning("notification_overdue", obligation=each.obligation)
        return said

    async def _find_unanswered(self, passing_over: Collection[str]) -> Sequence[Notification]:
        return await self._silence.unanswered(now=self._clock.now(), limit=AT_ONCE, passing_over=passing_over)

    async def _say_unanswered(self, each: Notification) -> bool:
        now = self._clock.now()
        said = await self._silence.say_unanswered(each, self._facts.unanswered(each, now=now), now=now)
        if said:
            log.info("notification_unanswered", obligation=each.obligation)
        return said

    async def _look_for_overdue(self) -> float:
        await self.say_overdue()
        return LOOK_EVERY_S

    async def _look_for_unanswered(self) -> float:
        await self.say_unanswered()
        return LOOK_EVERY_S
