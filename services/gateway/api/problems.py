"""Problem documents (RFC 9457): one table from what went wrong to what the sender is told and can do."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum

import orjson

from services.gateway.api.problem_types import PROBLEMS, ProblemType
from services.gateway.domain.danger import Telephone
from services.gateway.limit_requests import RateLimited
from shared.errors import Conflict, ExchangeError, IntegrityFailure, InvalidInput, NotFound, NotPermitted, Unavailable

MEDIA_TYPE = "application/problem+json"
DANGER = "This may be an immediate danger, and may not have been recorded. Call now:"


class NotJson(InvalidInput):
    """The body is not JSON."""

    code = "not-json"


class InvalidUtf8(InvalidInput):
    """The body is not UTF-8."""

    code = "invalid-utf8"


class WrongTypes(InvalidInput):
    """The body is JSON of another shape."""

    code = "wrong-types"


class TooLarge(InvalidInput):
    """The body is larger than is taken."""

    code = "too-large"


class WrongContentType(InvalidInput):
    """The body is not said to be JSON."""

    code = "wrong-content-type"


class IdempotencyKeyMissing(InvalidInput):
    """There is no usable Idempotency-Key."""

    code = "idempotency-key-missing"


class MethodNotAllowed(InvalidInput):
    """The path takes other methods."""

    code = "method-not-allowed"


class GatewayFailed(IntegrityFailure):
    """Something failed here that should not have."""

    code = "internal"


class Outcome(StrEnum):
    """What a problem says of what was to be recorded, when it does not go without saying."""

    UNKNOWN = "unknown"
    """It may have been recorded. The same request with the same idempotency key records it once at most."""


_SEND_AGAIN = "Send the same again with the same Idempotency-Key: it is recorded once at most."

_DAMAGED = "ledger-damaged"

_FALLBACKS: Sequence[tuple[type[ExchangeError], str]] = (
    (Unavailable, "unavailable"),
    (NotFound, "not-found"),
    (Conflict, "unavailable"),
    (NotPermitted, "caller-not-permitted"),
    (IntegrityFailure, "internal"),
    (InvalidInput, "invalid-input"),
)


def problem_of(error: ExchangeError) -> ProblemType:
    """Return the problem type for an error: by its code, else by its category."""
    known = PROBLEMS.get(error.code)
    if known is not None:
        return known
    return PROBLEMS[next((code for category, code in _FALLBACKS if isinstance(error, category)), "internal")]


def is_no_fault_of_the_request(error: ExchangeError) -> bool:
    """Return whether the same request may well be taken later: there are too many, or something fails here."""
    return problem_of(error).status in {429, 500, 503}


def outcome_of(error: ExchangeError) -> Outcome | None:
    """Return what is to be said of what a request was to record, when an error is the answer to it."""
    if isinstance(error, Unavailable):
        return Outcome.UNKNOWN if error.outcome_unknown else None
    problem = problem_of(error)
    # What fails here may fail after it was recorded. Damage is come upon in reading, and outlasts every repetition.
    return Outcome.UNKNOWN if problem.status == 500 and problem.code != _DAMAGED else None


def problem_body(error: ExchangeError, *, call: Sequence[Telephone] = (), outcome: Outcome | None = None) -> bytes:
    """Return the problem document. It names the failed check and the cure, and repeats nothing that was sent.

    Whom to call, and that the outcome is unknown, stand both as data and in the remedy, which every client shows.
    """
    problem = problem_of(error)
    said: dict[str, object] = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": error.detail,
        "remedy": _remedy(error, problem, outcome=outcome),
    }
    if outcome is not None:
        said["outcome"] = outcome.value
    if call:
        numbers = "; ".join(each.in_words() for each in call)
        said["remedy"] = f"{DANGER} {numbers}. Then: {said['remedy']}"
        said["call"] = [asdict(each) for each in call]
    if isinstance(error, RateLimited):
        said["violated-policies"] = list(error.violated)
    return orjson.dumps(said)


def _remedy(error: ExchangeError, problem: ProblemType, *, outcome: Outcome | None) -> str:
    if problem.code == _DAMAGED:
        # The ledger's own is a command of the operator's.
        return problem.cure
    if outcome is Outcome.UNKNOWN and "Idempotency-Key" not in error.remedy:
        return f"{error.remedy} {_SEND_AGAIN}".lstrip()
    return error.remedy or problem.cure
