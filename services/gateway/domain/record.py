"""The records that agencies send, as they say them. Every member may be left out: it is flagged then, not refused.

A text may also be ``NOT_KNOWN`` or ``NOT_APPLICABLE``, which are answers of their own.
"""

from dataclasses import dataclass

from shared.vocabulary import NOT_APPLICABLE, NOT_KNOWN


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person."""

    telephone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A practitioner: who decided, in which role, and how to reach them."""

    name: str | None = None
    role: str | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place by address, postcode, authority (GSS code or exact name), or merely described."""

    lines: tuple[str, ...] = ()
    postcode: str | None = None
    authority: str | None = None
    description: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number or name by which some scheme knows the child. ``traced``: looked up in that scheme's own register."""

    scheme: str | None = None
    value: str | None = None
    traced: bool | None = None


@dataclass(frozen=True, slots=True)
class CareArrangement:
    """With whom the child lives when that is not a parent: who the carer is to the child, since when, until when."""

    carer: str | None = None
    since: str | None = None
    until: str | None = None
    days: int | None = None
    emergency: bool | str | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """The child a record is about; may be unborn, may have no number, may be known only by a description."""

    family_name: str | None = None
    given_names: str | None = None
    date_of_birth: str | None = None
    expected_date_of_birth: str | None = None
    sex: str | None = None
    description: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    address: Place | None = None
    found_at: Place | None = None
    school: Place | None = None
    plan_held_by: str | None = None
    looked_after_by: str | None = None
    disabled: bool | str | None = None
    care_arrangement: CareArrangement | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """What was seen or said, apart from what is thought of it."""

    level: str | None = None
    seen_or_said: str | None = None
    opinion: str | None = None
    observed_at: str | None = None
    immediate_danger: bool | None = None
    possible_crime: bool | None = None
    indicators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether consent was had and, if not, which of the three reasons in law applies. Never a gate."""

    status: str | None = None
    no_consent_reason: str | None = None
    whose: str | None = None


@dataclass(frozen=True, slots=True)
class FamilyInformed:
    """Whether the family was told and, if not, why."""

    informed: bool | str | None = None
    reason_not_informed: str | None = None


@dataclass(frozen=True, slots=True)
class LawfulBasis:
    """UK GDPR Article 6 basis and the condition for special category data."""

    article_6: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A decision to share a concern."""

    format: str | None = None
    practitioner: Person | None = None
    child: Child | None = None
    place: Place | None = None
    concern: Concern | None = None
    rationale: str | None = None
    consent: Consent | None = None
    family_informed: FamilyInformed | None = None
    lawful_basis: LawfulBasis | None = None
    recipients: tuple[str, ...] = ()
    decided_at: str | None = None


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

    given: bool | None = None
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


def said(text: str | None) -> str | None:
    """Return what a text says, or None when it is blank or says that it is not known or does not apply."""
    stripped = (text or "").strip()
    return None if stripped in ("", NOT_KNOWN, NOT_APPLICABLE) else stripped


def is_about_somebody(child: Child | None) -> bool:
    """Return whether a record gives anything at all by which a child could be told from others."""
    if child is None:
        return False
    texts = (
        child.family_name,
        child.given_names,
        child.date_of_birth,
        child.expected_date_of_birth,
        child.description,
        *(identifier.value for identifier in child.identifiers),
    )
    return any(said(text) is not None for text in texts)


def is_somewhere(place: Place | None) -> bool:
    """Return whether anything at all is said of a place."""
    if place is None:
        return False
    texts = (*place.lines, place.postcode, place.authority, place.description, place.name)
    return any(said(text) is not None for text in texts)
