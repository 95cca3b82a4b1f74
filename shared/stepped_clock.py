"""A clock that its users move on: the time of a sandbox, ahead of the machine's by what a file says.

Every process of a sandbox reads the same file: a deadline that a test has stepped over has passed for all of them.
"""

from datetime import datetime, timedelta
from pathlib import Path

from shared.clock import Clock, SystemClock
from shared.errors import InvalidInput


class SteppedClock:
    """The machine's clock, ahead by the seconds in a file; by none while there is no file. It never goes back."""

    def __init__(self, file: Path, *, real: Clock | None = None) -> None:
        self._file = file
        self._real = real or SystemClock()
        self._read = (-1, timedelta(0))

    def now(self) -> datetime:
        """Return the sandbox's present moment, aware, in UTC. Raises InvalidInput when the file holds no number."""
        return self._real.now() + self._ahead()

    def step_to(self, moment: datetime) -> None:
        """Move every process of the sandbox on to a moment. Raises InvalidInput when it has passed."""
        if moment < self.now():
            raise InvalidInput("the sandbox's clock does not go back", remedy="Start a sandbox anew to begin again.")
        ahead = moment - self._real.now()
        beside = self._file.with_name(f"{self._file.name}.new")
        beside.write_text(f"{ahead.total_seconds():.6f}\n", "ascii")
        beside.replace(self._file)

    def _ahead(self) -> timedelta:
        try:
            changed = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return timedelta(0)
        if changed != self._read[0]:
            try:
                ahead = timedelta(seconds=float(self._file.read_text("ascii")))
            except (ValueError, OverflowError) as error:
                raise InvalidInput(f"{self._file.name} holds no number of seconds") from error
            self._read = (changed, ahead)
        return self._read[1]


def clock_of(file: Path | None, *, real: Clock | None = None) -> Clock:
    """Return the clock of a process: the machine's, or a sandbox's when a setting names its file.

    ``real`` is the machine's clock, where it is not to be read as it is.
    """
    return real or SystemClock() if file is None else SteppedClock(file, real=real)
