"""What a record says of a concern, and on what footing: evidence, opinion, what was tried, consent, basis, advice."""

from dataclasses import dataclass

from services.gateway.domain.people import Contact
from services.gateway.domain.said import YesNo


@dataclass(frozen=True, slots=True)
class InvolvedAgency:
    """Another agency that works with the child or the family, and whom to ask there."""

    agency: str | None = None
    person: str | None = None
    contact: Contact | None = None
    what: str | None = None


@dataclass(frozen=True, slots=True)
class KeptFrom:
    """Something that is not to be told to somebody: what, from whom, and why."""

    what: str | None = None
    whom: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """What was seen or said, apart from what is thought of it; how serious, what was tried, what is hoped for."""

    level: str | None = None
    seen_or_said: str | None = None
    opinion: str | None = None
    observed_at: str | None = None
    immediate_danger: YesNo = None
    possible_crime: YesNo = None
    indicators: tuple[str, ...] = ()
    child_views: str | None = None
    family_views: str | None = None
    early_help: YesNo = None
    support_tried: str | None = None
    agencies_involved: tuple[InvolvedAgency, ...] = ()
    desired_outcome: str | None = None
    keep_from: tuple[KeptFrom, ...] = ()
    source_wishes_anonymity: YesNo = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether one data subject's consent was had and, if not, which of the three reasons applies. Never a gate."""

    status: str | None = None
    no_consent_reason: str | None = None
    whose: str | None = None


@dataclass(frozen=True, slots=True)
class FamilyInformed:
    """Whether the family was told, who of it and, if not, why."""

    informed: YesNo = None
    reason_not_informed: str | None = None
    who: str | None = None


@dataclass(frozen=True, slots=True)
class LawfulBasis:
    """UK GDPR Article 6 basis and the condition for special category data."""

    article_6: str | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice that was sought before deciding: of whom, in which role, when, and what they said."""

    whom: str | None = None
    role: str | None = None
    at: str | None = None
    what_they_said: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that is not sent along: its SHA-256 binds it to the record, and whoever is told asks for it."""

    name: str | None = None
    media_type: str | None = None
    size_bytes: int | str | None = None
    sha256: str | None = None
    held_by: str | None = None
