"""What can go wrong between an agency's system and the exchange.

ExchangeError
├── Refused       the exchange says no, and signed it; ``problem`` says why and what to do
└── NotReached    no answer that can be believed; ``outcome_unknown`` says whether it may have been recorded
    └── Unproven  something answered, and did not prove that it is the exchange
"""

from dataclasses import dataclass

from shared.errors import ExchangeError


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457) as the exchange answered it.

    ``call`` is whom to call now, with their numbers, when what could not be taken may be an immediate danger; the
    remedy says it too. ``outcome`` is ``unknown`` when it may have been recorded all the same, else empty.
    """

    status: int
    code: str
    title: str
    detail: str
    remedy: str
    call: tuple[str, ...] = ()
    outcome: str = ""


class Refused(ExchangeError):
    """The exchange refused the request; ``problem`` says which check failed and what to do."""

    code = "refused"

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}", remedy=problem.remedy)
        self.problem = problem


class NotReached(ExchangeError):
    """The exchange gave no answer that can be believed, however often it was asked.

    ``outcome_unknown`` is false only when no attempt can have been recorded. When it is true, send the same bytes again
    with the same ``idempotency_key``, now or tomorrow: they are recorded once at most. ``retry_after_s`` is how long
    the exchange asked to be left alone, if it did; ``problem`` is what it said last, if it said anything.
    """

    code = "not-reached"

    def __init__(
        self,
        detail: str,
        *,
        remedy: str = "Send the same again, with the same idempotency key: it is recorded once at most.",
        outcome_unknown: bool = False,
        idempotency_key: str | None = None,
        retry_after_s: float | None = None,
        problem: Problem | None = None,
    ) -> None:
        # Whom to call comes before whatever else can be done.
        super().__init__(detail, remedy=problem.remedy if problem is not None and problem.call else remedy)
        self.outcome_unknown = outcome_unknown
        self.idempotency_key = idempotency_key
        self.retry_after_s = retry_after_s
        self.problem = problem


class Unproven(NotReached):
    """What answered did not prove that it is the exchange: unsigned, signed by a stranger, altered, or too old."""

    code = "answer-unproven"
