"""Dying at a named step, as a power cut would have it."""

import os
import signal
from dataclasses import dataclass


@dataclass(slots=True)
class Crash:
    """Kills this process with SIGKILL when ``step`` is reached for the ``nth`` time."""

    step: str | None
    nth: int = 1

    def reached(self, step: str) -> bool:
        """Return whether this is the moment."""
        if step != self.step:
            return False
        self.nth -= 1
        return self.nth == 0

    def at(self, step: str) -> None:
        """Die here, if this is the step."""
        if self.reached(step):
            die()


def die() -> None:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)
