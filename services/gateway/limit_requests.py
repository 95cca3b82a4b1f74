"""Limiting requests, for each agency: a second, bounded lane for an immediate danger when the first is used up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.gateway.domain.rate_limit import Bucket, Quota, Taking, take
from shared.errors import Unavailable
from shared.identifiers import AgencyId
from shared.ledger.registry import AgencyFacts

REQUESTS = "requests"
READS = "reads"
IMMEDIATE_DANGER = "immediate-danger"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an agency is told of its limits with an answer."""

    takings: tuple[Taking, ...] = ()

    def headers(self) -> Mapping[str, str]:
        """Return the RateLimit fields (draft-ietf-httpapi-ratelimit-headers-11)."""
        if not self.takings:
            return {}
        return {
            "ratelimit-policy": ", ".join(taking.quota.policy() for taking in self.takings),
            "ratelimit": ", ".join(taking.limit() for taking in self.takings),
        }


class RateLimited(Unavailable):
    """The agency has made more requests than it may. Nothing was done for this one."""

    code = "rate-limited"

    def __init__(self, agency: AgencyFacts, allowance: Allowance) -> None:
        super().__init__("the agency has made more requests than it may in a minute", remedy="Send it again later.")
        self.agency = agency
        self.allowance = allowance

    @property
    def retry_after_s(self) -> int:
        """In how many seconds a request may be made again: of the last lane that was tried, at least one."""
        return max(1, self.allowance.takings[-1].retry_after_s)

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of the quotas that are used up."""
        return tuple(taking.quota.name for taking in self.allowance.takings)


class RequestLimits:
    """Counts requests in this process's memory: n gateways together let an agency make n times as many.

    A restart begins anew. At most three buckets for each registered agency are held.
    """

    def __init__(
        self,
        *,
        per_minute: int,
        reads_per_minute: int,
        immediate_danger_per_minute: int,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._per_minute = per_minute
        self._reads = Quota(READS, reads_per_minute)
        self._danger = Quota(IMMEDIATE_DANGER, immediate_danger_per_minute)
        self._monotonic_s = monotonic_s
        self._buckets: dict[tuple[AgencyId, str], Bucket] = {}

    def take_read(self, agency: AgencyFacts) -> Allowance:
        """Count one proven request that records nothing, apart from those that do. Raises RateLimited."""
        taking = self._take(agency, self._reads)
        if not taking.taken:
            raise RateLimited(agency, Allowance((taking,)))
        return Allowance((taking,))

    def take(self, agency: AgencyFacts, *, is_danger: Callable[[], bool]) -> Allowance:
        """Count one proven request of an agency that is to record something.

        An immediate danger passes when the agency's quota is used up, by a quota of its own. ``is_danger`` is asked
        only then. Raises RateLimited when there is no room: for a danger, whoever answers must say whom to call.
        """
        first = self._take(agency, Quota(REQUESTS, agency.requests_per_minute or self._per_minute))
        if first.taken:
            return Allowance((first,))
        if not is_danger():
            raise RateLimited(agency, Allowance((first,)))
        second = self._take(agency, self._danger)
        allowance = Allowance((first, second))
        if not second.taken:
            raise RateLimited(agency, allowance)
        return allowance

    def _take(self, agency: AgencyFacts, quota: Quota) -> Taking:
        known = agency.agency, quota.name
        taking = take(quota, self._buckets.get(known), now_s=self._monotonic_s())
        self._buckets[known] = taking.bucket
        return taking
