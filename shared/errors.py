"""The tree of errors that the exchange raises, by what the receiver should do about them.

    ExchangeError
    ├── InvalidInput       never retry the same; mend it first
    ├── NotPermitted       who asked may not, or did not prove who they are
    ├── NotFound           nothing of that name, or nothing that may be named
    ├── Conflict           read again, decide again
    ├── Unavailable        retry the same; says whether the outcome is unknown
    └── IntegrityFailure   halt, page someone, commit nothing

Each leaf error has a stable ``code``. No message may carry personal data or key material.
"""


class ExchangeError(Exception):
    """Root of everything the exchange raises on purpose.

    ``detail`` says what happened, ``remedy`` what the receiver can do about it. Neither holds personal data.
    """

    code: str = "error"

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


class InvalidInput(ExchangeError):
    """What came cannot be understood. The same input will never succeed."""

    code = "invalid-input"


class NotPermitted(ExchangeError):
    """The caller is unknown, unproven, or not allowed to do this."""

    code = "not-permitted"


class NotFound(ExchangeError):
    """There is nothing of that name that this caller may know of."""

    code = "not-found"


class Conflict(ExchangeError):
    """The world moved since the caller looked. Read again and decide again."""

    code = "conflict"


class Unavailable(ExchangeError):
    """A part that is needed does not answer now. Retrying the same request is safe.

    ``outcome_unknown`` is true when the effect may have happened: retry with the same idempotency key.
    """

    code = "unavailable"

    def __init__(self, detail: str, *, remedy: str = "", outcome_unknown: bool = False) -> None:
        super().__init__(detail, remedy=remedy)
        self.outcome_unknown = outcome_unknown


class IntegrityFailure(ExchangeError):
    """Stored evidence contradicts itself. Commit nothing and page someone."""

    code = "integrity-failure"
