"""How many requests a sender may make: a bucket that fills steadily, and what is said of it. Time is handed in."""

from dataclasses import dataclass
from math import ceil

WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in a minute, under a name. All of them may come at once; then one as each is filled up."""

    name: str
    requests: int

    def policy(self) -> str:
        """Return the quota as a member of RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11)."""
        return f'"{self.name}";q={self.requests};w={WINDOW_S}'


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left of a quota at a monotonic time."""

    left: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Taking:
    """What came of taking one request from a quota, and how it stands now."""

    quota: Quota
    bucket: Bucket
    taken: bool

    @property
    def retry_after_s(self) -> int:
        """In how many seconds there is room for one request."""
        return max(0, ceil((1.0 - self.bucket.left) * WINDOW_S / self.quota.requests))

    def limit(self) -> str:
        """Return how it stands as a member of RateLimit: what is left, and in how many seconds all of it is again."""
        full_s = ceil((self.quota.requests - self.bucket.left) * WINDOW_S / self.quota.requests)
        return f'"{self.quota.name}";r={int(self.bucket.left)};t={full_s}'


def take(quota: Quota, bucket: Bucket | None, *, now_s: float) -> Taking:
    """Return what comes of one more request. A refused one takes nothing, so that asking again never makes it later."""
    if bucket is None:
        left = float(quota.requests)
    else:
        filled = max(0.0, now_s - bucket.at_s) * quota.requests / WINDOW_S
        left = min(float(quota.requests), bucket.left + filled)
    # A hundred-thousandth of a request is what the sum of fractions may round away.
    if left + 1e-5 < 1.0:
        return Taking(quota, Bucket(left, now_s), taken=False)
    return Taking(quota, Bucket(max(0.0, left - 1.0), now_s), taken=True)
