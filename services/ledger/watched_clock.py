"""The clock that stamps the log, watched: times never run backwards along it, so that a wrong one is there for good."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import Unavailable

ASTRAY = timedelta(minutes=5)
CHECK_EVERY_S = 60.0

# Counts on while the machine sleeps, so that waking up is no leap; where the system has no such clock under this name
# (macOS), its monotonic one does.
_COUNT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class ClockAstray(Unavailable):
    """The machine's clock cannot be believed. Nothing was stamped with it."""

    code = "clock-astray"


def counted_s() -> float:
    """Return the seconds since the machine was started, asleep or awake, whatever its clock is set to."""
    return time.clock_gettime(_COUNT)


class WatchedClock:
    """The machine's clock for as long as it agrees with the machine's own count of seconds.

    A reading that has run ahead of the count is not given, nor any other until the two agree again: the first one
    since this was made is the one that counts. Reading costs one call into the system more than the clock alone.
    """

    def __init__(self, clock: Clock, *, counted_s: Callable[[], float] = counted_s) -> None:
        self._clock = clock
        self._counted_s = counted_s
        self._seen, self._seen_s = clock.now(), counted_s()

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC. Raises ClockAstray when the clock has leapt ahead."""
        now, now_s = self._clock.now(), self._counted_s()
        ahead = now - self._seen - timedelta(seconds=now_s - self._seen_s)
        if ahead > ASTRAY:
            raise ClockAstray(
                f"this machine's clock has leapt ahead by {_minutes(ahead)} minutes",
                remedy="Set it right, and the ledger goes on by itself; where it is right now, start the ledger again.",
            )
        if ahead > -ASTRAY:
            self._seen, self._seen_s = now, now_s
        # One that was set back stamps nothing wrong, and may be set right again: what was seen before goes on counting.
        return now

    async def check_against(self, other: Callable[[], Awaitable[datetime]]) -> None:
        """Return when another machine's clock says about the same. Raises ClockAstray, and what asking it raises."""
        before = self.now()
        said = await other()
        apart = max(before - said, said - self.now())
        if apart > ASTRAY:
            raise ClockAstray(
                f"this machine's clock and its database's are {_minutes(apart)} minutes apart",
                remedy="Set right the one that is wrong; the ledger goes on by itself.",
            )

    async def keep_checking(self, other: Callable[[], Awaitable[datetime]]) -> None:
        """Check again and again until cancelled, or until ``check_against`` raises."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.check_against(other)


def _minutes(apart: timedelta) -> int:
    return round(apart.total_seconds() / 60)
