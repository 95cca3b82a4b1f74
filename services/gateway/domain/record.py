"""The records that agencies send, as they say them. Every member may be left out: it is flagged then, not refused.

A text may also be ``NOT_KNOWN`` or ``NOT_APPLICABLE``, which are answers of their own. What records are made of is
given out here as well.
"""

from dataclasses import dataclass

from services.gateway.domain.concern import (
    Advice,
    Attachment,
    Concern,
    Consent,
    FamilyInformed,
    InvolvedAgency,
    KeptFrom,
    LawfulBasis,
)
from services.gateway.domain.people import (
    CareArrangement,
    Child,
    Contact,
    Identifier,
    Person,
    Place,
    RelatedPerson,
    is_about_somebody,
    is_somewhere,
)
from services.gateway.domain.said import YesNo, said

__all__ = [
    "AcknowledgementRecord",
    "Advice",
    "Attachment",
    "CareArrangement",
    "Child",
    "Concern",
    "Consent",
    "Contact",
    "FamilyInformed",
    "HousingAgreement",
    "HousingNoticeRecord",
    "HousingRecipient",
    "Identifier",
    "InvolvedAgency",
    "KeptFrom",
    "LawfulBasis",
    "Person",
    "Place",
    "RelatedPerson",
    "Reply",
    "Requester",
    "ShareRecord",
    "Whereabouts",
    "WhereaboutsRecord",
    "WithholdingRecord",
    "is_about_somebody",
    "is_somewhere",
    "said",
]


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A decision to share a concern about one child. Siblings have shares of their own, with the same incident_ref."""

    format: str | None = None
    practitioner: Person | None = None
    child: Child | None = None
    place: Place | None = None
    concern: Concern | None = None
    rationale: str | None = None
    consent: Consent | tuple[Consent, ...] | None = None
    family_informed: FamilyInformed | None = None
    lawful_basis: LawfulBasis | None = None
    advice_sought: tuple[Advice, ...] = ()
    verbal_at: str | None = None
    verbal_to: str | None = None
    incident_ref: str | None = None
    attachments: tuple[Attachment, ...] = ()
    recipients: tuple[str, ...] = ()
    after_withholding: str | None = None
    decided_at: str | None = None

    def consents(self) -> tuple[Consent, ...]:
        """Return the consents, one for each data subject whose consent is spoken of."""
        if isinstance(self.consent, Consent):
            return (self.consent,)
        return self.consent or ()


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked for information, when, for what, and for which task of theirs."""

    name: str | None = None
    role: str | None = None
    agency: str | None = None
    what: str | None = None
    asked_at: str | None = None
    public_task: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What whoever asked was answered: whether at all, when, by what means, and in which words."""

    given: YesNo = None
    at: str | None = None
    means: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class WithholdingRecord:
    """A decision not to share."""

    format: str | None = None
    practitioner: Person | None = None
    child: Child | None = None
    concern: Concern | None = None
    requested_by: Requester | None = None
    reply_to_requester: Reply | str | None = None
    reasons: tuple[str, ...] = ()
    rationale: str | None = None
    review_on: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the child is, and in which role the place is the child's (``living_at``, ``education`` …)."""

    role: str | None = None
    lines: tuple[str, ...] = ()
    postcode: str | None = None
    authority: str | None = None

    def place(self) -> Place:
        """Return the place without the role."""
        return Place(lines=self.lines, postcode=self.postcode, authority=self.authority)


@dataclass(frozen=True, slots=True)
class WhereaboutsRecord:
    """A report of where a child is."""

    format: str | None = None
    practitioner: Person | None = None
    child: Child | None = None
    where: Whereabouts | None = None
    permanence: str | None = None
    since: str | None = None
    how_known: str | None = None
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class HousingAgreement:
    """Whether the parent, or the applicant of 16 or 17, agreed that others are told of the accommodation; and when."""

    status: str | None = None
    by: str | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class HousingRecipient:
    """Whom to tell of the accommodation: a general practice, health visiting or a school, by its agency or its name."""

    kind: str | None = None
    agency: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class HousingNoticeRecord:
    """A notice that a child is in temporary accommodation, which rests on agreement. No safeguarding share."""

    format: str | None = None
    practitioner: Person | None = None
    child: Child | None = None
    accommodation: Place | None = None
    placed_by: str | None = None
    agreement: HousingAgreement | None = None
    tell: tuple[HousingRecipient, ...] = ()
    decided_at: str | None = None


@dataclass(frozen=True, slots=True)
class AcknowledgementRecord:
    """That a notification was received, is owned by a person, or has been decided on."""

    format: str | None = None
    state: str | None = None
    person: Person | None = None
    outcome: str | None = None
    note: str | None = None
