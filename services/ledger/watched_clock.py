"""The clock that stamps the log, watched: times never run backwards along it, so that a wrong one is there for good."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from shared.clock import Clock
from shared.errors import Unavailable

ASTRAY = timedelta(minutes=5)
CHECK_EVERY_S = 60.0

# Counts on while the machine sleeps, so that waking up is no leap; where the system has no such clock under this name
# (macOS), its monotonic one does.
_COUNT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


log = structlog.get_logger()


class ClockAstray(Unavailable):
    """The machine's clock cannot be believed. Nothing was stamped with it."""

    code = "clock-astray"


def counted_s() -> float:
    """Return the seconds since the machine was started, asleep or awake, whatever its clock is set to."""
    return time.clock_gettime(_COUNT)


class WatchedClock:
    """The machine's clock, held against the machine's own count of seconds since another clock last agreed with it.

    A reading that has run ahead of the count is not given, nor any other until the two agree again. Before another
    clock has agreed there is nothing to hold it against: a clock that is wrong when this is made vouches for nothing.
    Reading costs one call into the system more than the clock alone.
    """

    def __init__(self, clock: Clock, *, counted_s: Callable[[], float] = counted_s) -> None:
        self._clock = clock
        self._counted_s = counted_s
        self._agreed: tuple[datetime, float] | None = None
        self._astray: ClockAstray | None = None

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC. Raises ClockAstray when the clock has leapt ahead."""
        return self._read()[0]

    def _read(self) -> tuple[datetime, float]:
        now, now_s = self._clock.now(), self._counted_s()
        if self._agreed is not None:
            agreed, agreed_s = self._agreed
            ahead = now - agreed - timedelta(seconds=now_s - agreed_s)
            # One that was set back stamps nothing wrong.
            if ahead > ASTRAY:
                raise ClockAstray(
                    f"this machine's clock has leapt ahead by {_minutes(ahead)} minutes",
                    remedy="Set it right, and the ledger goes on by itself;"
                    " where it is right now, start the ledger again.",
                )
        return now, now_s

    async def check_against(self, other: Callable[[], Awaitable[datetime]]) -> None:
        """Return when another machine's clock says about the same; from this moment on the count is held against.

        Raises ClockAstray, and what asking the other clock raises.
        """
        now, now_s = self._read()
        said = await other()
        # By the count, since the clock may be set while the other one is asked.
        took = timedelta(seconds=self._counted_s() - now_s)
        apart = max(now - said, said - now - took)
        if apart > ASTRAY:
            raise ClockAstray(
                f"this machine's clock and its database's are {_minutes(apart)} minutes apart",
                remedy="Set right the one that is wrong, and the ledger goes on by itself;"
                " where this machine was paused, start the ledger again then.",
            )
        self._agreed = now, now_s

    async def judge(self, other: Callable[[], Awaitable[datetime]]) -> ClockAstray | None:
        """Check, and return why the clock is not to be believed, or None; the log says it once until that changes."""
        before, self._astray = self._astray, None
        try:
            await self.check_against(other)
        except ClockAstray as astray:
            self._astray = astray
            # The minutes may differ each time.
            if before is None or before.remedy != astray.remedy:
                log.warning("ledger_clock_astray", code=astray.code, detail=astray.detail, remedy=astray.remedy)
        else:
            if before is not None:
                log.info("ledger_clock_agrees")
        return self._astray

    async def keep_checking(self, other: Callable[[], Awaitable[datetime]]) -> None:
        """Check again and again until cancelled, or until ``check_against`` raises."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self.check_against(other)


def _minutes(apart: timedelta) -> int:
    return round(apart.total_seconds() / 60)
