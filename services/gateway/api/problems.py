"""Problem documents (RFC 9457): one table from what went wrong to what the sender is told and can do."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson

from services.gateway.domain.danger import Telephone
from services.gateway.limit_requests import RateLimited
from shared.errors import Conflict, ExchangeError, IntegrityFailure, InvalidInput, NotFound, NotPermitted, Unavailable

MEDIA_TYPE = "application/problem+json"
DANGER = "This may be an immediate danger, and may not have been recorded. Call now:"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: its code, HTTP status, title, and what usually causes and cures it."""

    code: str
    status: int
    title: str
    cause: str
    cure: str


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


_SIGN = "Sign as docs/api.md shows; compare your signature base with the worked example."

PROBLEMS: Mapping[str, ProblemType] = {
    problem.code: problem
    for problem in (
        ProblemType("digest-missing", 400, "No digest", "Content-Digest is missing or unreadable", "Send sha-256."),
        ProblemType(
            "digest-mismatch", 400, "Wrong digest", "The body changed after the digest was made", "Digest what is sent."
        ),
        ProblemType("not-json", 400, "Not JSON", "The body does not parse", "Send one JSON object."),
        ProblemType("invalid-utf8", 400, "Not UTF-8", "The body is in another encoding", "Encode it as UTF-8."),
        ProblemType(
            "idempotency-key-missing",
            400,
            "No idempotency key",
            "Idempotency-Key is missing, empty, longer than 255, or not printable ASCII",
            "Send a new random key for each new record, and the same one to repeat it.",
        ),
        ProblemType("signature-missing", 401, "Not signed", "Signature headers are missing", _SIGN),
        ProblemType("signature-malformed", 401, "Unreadable signature", "Signature headers do not parse", _SIGN),
        ProblemType("signature-invalid", 401, "Wrong signature", "Another key, or other bytes, were signed", _SIGN),
        ProblemType(
            "signature-stale",
            401,
            "Stale signature",
            "Older than 5 minutes, expired, or ahead",
            "Sign anew; set clocks.",
        ),
        ProblemType(
            "signature-component-uncovered", 401, "Part not signed", "A required component is not covered", _SIGN
        ),
        ProblemType("signature-tag", 401, "Wrong purpose", "The tag is missing or another one", _SIGN),
        ProblemType(
            "signature-algorithm", 401, "Wrong algorithm", "alg differs from the registered key's", "Omit alg."
        ),
        ProblemType("unknown-key", 401, "Unknown key", "keyid is no registered key's thumbprint", "Register the key."),
        ProblemType("key-not-valid", 401, "Key not valid now", "Outside its validity dates", "Use a current key."),
        ProblemType("key-revoked", 401, "Revoked key", "The key has been revoked", "Use a current key."),
        ProblemType("nonce-replayed", 401, "Replayed", "The nonce was used with another request", "Use a new nonce."),
        ProblemType(
            "sandbox-real-number",
            422,
            "A real number in a sandbox",
            "A sandbox was sent an NHS number that is not a test number; nothing was kept",
            "Use numbers beginning 999 there.",
        ),
        ProblemType(
            "sandbox-no-such-fault",
            422,
            "No such fault",
            "Sandbox-Fault names none that the sandbox knows",
            "See docs/sandbox.md.",
        ),
        ProblemType(
            "not-your-record",
            403,
            "Another agency's record",
            "The record was made by another agency",
            "Whoever was told can dispute it.",
        ),
        ProblemType(
            "not-your-notification",
            403,
            "Another's notification",
            "It is for another recipient",
            "Use its recipient's key.",
        ),
        ProblemType(
            "not-an-auditor", 403, "Not an auditor", "The agency has no role auditor", "Ask the operator for the role."
        ),
        ProblemType("caller-not-permitted", 403, "Not permitted", "The role does not allow it", "Ask the operator."),
        ProblemType("not-found", 404, "Not found", "Nothing of that name, or erased", "Check the id and path."),
        ProblemType("method-not-allowed", 405, "Wrong method", "The path takes another method", "See docs/api.md."),
        ProblemType(
            "idempotency-key-reused", 409, "Key reused", "The key came with another body before; recorded", "New key."
        ),
        ProblemType(
            "key-belongs-to-another", 409, "Another's key", "The key signs for another agency", "Make a new key."
        ),
        ProblemType("key-revoked-for-good", 409, "Revoked key", "The key was revoked, and stays so", "Make a new key."),
        ProblemType(
            "too-many-keys", 409, "Too many keys", "The agency has 16 that may sign, now or later", "Revoke some."
        ),
        ProblemType("too-large", 413, "Too large", "The body is over 256 KiB", "Send attachments by hash, not inline."),
        ProblemType("wrong-content-type", 415, "Not said to be JSON", "Content-Type is another", "application/json."),
        ProblemType(
            "wrong-types",
            422,
            "Wrong shape",
            "A member has another type than docs/api.md says",
            "Mend each that is named.",
        ),
        ProblemType(
            "nobody-and-nowhere", 422, "About nobody", "No child and no place is named", "Give anything known."
        ),
        ProblemType(
            "nothing-said",
            422,
            "Nothing said",
            "No level, observation or rationale; or nothing changed or disputed",
            "Say what is feared, or changed.",
        ),
        ProblemType(
            "acknowledgement-state-missing",
            422,
            "Nothing acknowledged",
            "state is missing",
            "received, owned, decided.",
        ),
        ProblemType("acknowledgement-owner-missing", 422, "Nobody named", "person.name is missing", "Name the person."),
        ProblemType(
            "review-needed",
            422,
            "Decided by a review",
            "A withholding was said to be decided on by an acknowledgement",
            "Post a review below the withholding's path, or the share that names it.",
        ),
        ProblemType(
            "opening-unexplained",
            422,
            "Opened without a reason",
            "reason is none of the codes, or note is empty",
            "Say why, in words and as a code.",
        ),
        ProblemType(
            "possession-unproven",
            422,
            "Key not shown to be held",
            "proof is not the new key's signature over the three lines",
            "Sign them with the new key.",
        ),
        ProblemType("invalid-input", 422, "Not understood", "A value cannot be stored", "Mend the value."),
        ProblemType(
            "rate-limited",
            429,
            "Too many requests",
            "More than the agency may make in a minute; nothing was done for it",
            "Send it again after Retry-After seconds.",
        ),
        ProblemType(
            "unavailable",
            503,
            "Not now",
            "The ledger cannot write or did not answer; nothing was accepted, unless outcome is unknown",
            "Send it again.",
        ),
        ProblemType(
            "ledger-damaged",
            500,
            "What is recorded was changed",
            "Stored entries are not what was recorded or published; nothing was shown from them",
            "Tell the exchange's operator at once: sending it again does not help.",
        ),
        ProblemType(
            "internal",
            500,
            "Our fault",
            "Something failed here; it may have been recorded",
            "Send it again.",
        ),
    )
}
"""Every problem an answer can be, by code. docs/api.md lists it, and a test compares the two."""

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
    # What fails here may fail after it was recorded.
    return Outcome.UNKNOWN if problem_of(error).status == 500 else None


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
        "remedy": error.remedy or problem.cure,
    }
    if outcome is Outcome.UNKNOWN:
        said["outcome"] = outcome.value
        said["remedy"] = _SEND_AGAIN
    if call:
        numbers = "; ".join(each.in_words() for each in call)
        said["remedy"] = f"{DANGER} {numbers}. Then: {said['remedy']}"
        said["call"] = [asdict(each) for each in call]
    if isinstance(error, RateLimited):
        said["violated-policies"] = list(error.violated)
    return orjson.dumps(said)
