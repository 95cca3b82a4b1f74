"""A machine's clock that is set while a process runs, though the machine's count of seconds is not."""

from datetime import UTC, datetime
from pathlib import Path

from services.ledger import watched_clock
from shared.clock import SystemClock
from shared.stepped_clock import SteppedClock


class _RightClock:
    """The time that it is."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def set_clock_by(file: Path) -> None:
    """Let every clock of this process be ahead by the seconds in a file from now on; by none while there is no file.

    A ledger checks its clock every second then, not every minute.
    """
    watched_clock.CHECK_EVERY_S = 1.0
    SystemClock.now = SteppedClock(file, real=_RightClock()).now  # type: ignore[method-assign,assignment]
