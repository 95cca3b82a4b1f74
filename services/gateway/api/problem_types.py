"""Every kind of problem that an answer can be (RFC 9457): its status, what usually causes it, and what cures it."""

from collections.abc import Mapping
from dataclasses import dataclass

_SIGN = "Sign as docs/api.md shows; compare your signature base with the worked example."


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: its code, HTTP status, title, and what usually causes and cures it."""

    code: str
    status: int
    title: str
    cause: str
    cure: str


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
            "A member has another type than docs/api.md says, or is outside its range",
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
