"""The amendments that agencies send, as they say them. What is left out is flagged, not refused."""

from dataclasses import dataclass

from services.gateway.domain.record import Concern, Person, ShareRecord, WhereaboutsRecord, WithholdingRecord


@dataclass(frozen=True, slots=True)
class ShareCorrectionRecord:
    """A correction of a share: the whole new ``record``, or only the ``members`` that change (RFC 7396 merge patch)."""

    format: str | None = None
    practitioner: Person | None = None
    why: str | None = None
    record: ShareRecord | None = None
    members: ShareRecord | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class WithholdingCorrectionRecord:
    """A correction of a withholding: the whole new ``record``."""

    format: str | None = None
    practitioner: Person | None = None
    why: str | None = None
    record: WithholdingRecord | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class WhereaboutsCorrectionRecord:
    """A correction of a report of whereabouts: the whole new ``record``."""

    format: str | None = None
    practitioner: Person | None = None
    why: str | None = None
    record: WhereaboutsRecord | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class RetractionRecord:
    """That an agency takes back what it recorded, with a ``reason`` as a code and ``why`` in words."""

    format: str | None = None
    practitioner: Person | None = None
    reason: str | None = None
    why: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeRecord:
    """That somebody says that a record is not so: who, what they say, and what of the record it is about."""

    format: str | None = None
    practitioner: Person | None = None
    on_behalf_of: str | None = None
    disputed: str | None = None
    statement: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentWithdrawalRecord:
    """That somebody takes back the consent they had given: whose it was, and what they said."""

    format: str | None = None
    practitioner: Person | None = None
    whose: str | None = None
    statement: str | None = None
    withdrawn_at: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class WithholdingReviewRecord:
    """That a withholding was looked at again: by whom, and whether it is to ``confirm`` it or to ``share``, and why.

    Without ``reasons`` those of the withholding are taken up again.
    """

    format: str | None = None
    practitioner: Person | None = None
    decision: str | None = None
    reasons: tuple[str, ...] = ()
    rationale: str | None = None
    concern: Concern | None = None
    review_on: str | None = None
    decided_at: str | None = None


Amendment = (
    ShareCorrectionRecord
    | WithholdingCorrectionRecord
    | WhereaboutsCorrectionRecord
    | RetractionRecord
    | DisputeRecord
    | ConsentWithdrawalRecord
    | WithholdingReviewRecord
)
