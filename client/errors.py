"""What can go wrong between an agency's system and the exchange."""

from dataclasses import dataclass

from shared.errors import ExchangeError


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457) as the exchange answered it."""

    status: int
    code: str
    title: str
    detail: str
    remedy: str


class Refused(ExchangeError):
    """The exchange refused the request; ``problem`` says which check failed and what to do."""

    code = "refused"

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}", remedy=problem.remedy)
        self.problem = problem


class NotReached(ExchangeError):
    """The exchange did not answer. Whether the request was recorded is not known: send it again with the same key."""

    code = "not-reached"
