"""How long one that keeps failing is left alone, and from when on nobody waits for it."""

from dataclasses import dataclass

GIVEN_UP_AFTER = 3
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """What has been seen of one: how often it failed in a row, and when it may be asked again (a monotonic time)."""

    failures: int = 0
    not_before_s: float = 0.0

    @property
    def is_given_up(self) -> bool:
        """Whether it has failed so often that it is still asked, and no longer waited for."""
        return self.failures >= GIVEN_UP_AFTER

    def after_failure(self, *, now_s: float) -> "Patience":
        """Return what follows from one more failure: each wait is twice the one before, up to a minute."""
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(self.failures, 16), LONGEST_WAIT_S)
        return Patience(self.failures + 1, now_s + wait_s)

    def wait_s(self, *, now_s: float) -> float:
        """Return how long it must still be left alone; 0 when it may be asked."""
        return max(0.0, self.not_before_s - now_s)
