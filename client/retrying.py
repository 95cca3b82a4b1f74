"""When a request is sent again: a rule that takes its randomness as an argument."""

from dataclasses import dataclass

TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say *not now*, whoever answers: a repeated request with the same idempotency key does no harm."""

NEVER_AGAIN = frozenset({"ledger-damaged"})
"""Problems that no repetition mends, whatever their status."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """How often and how patiently a request is sent again.

    The waits double from ``first_wait_s`` to ``longest_wait_s``; each is drawn from its upper half, so that agencies
    that were cut off together do not come back together.
    """

    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def wait_s(self, attempt: int, *, jitter: float, retry_after_s: float | None = None) -> float | None:
        """Return how long to wait after an attempt (from 0) that failed, or None to give up.

        ``jitter`` is between 0 and 1. It is never sooner than the exchange asked (``retry_after_s``), and given up
        when it asked for longer than ``longest_wait_s``: whoever called can wait better than a request can.
        """
        if attempt + 1 >= self.attempts or (retry_after_s or 0.0) > self.longest_wait_s:
            return None
        doubled: float = min(self.longest_wait_s, self.first_wait_s * 2.0**attempt)
        return max(retry_after_s or 0.0, doubled * (0.5 + jitter / 2))


def retry_after_s(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None when it gives none (RFC 9110 section 10.2.3).

    The exchange gives seconds. A date, which something between may send, is not read: the doubled wait does for it.
    """
    if header is None or not header.isascii() or not header.isdigit() or len(header) > 9:
        return None
    return float(header)
