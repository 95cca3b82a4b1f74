"""A case: what the rules look at. Codes and dates taken from a record; no name, no text, nothing of the ledger's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.gateway.domain.law import LawOfTheDay
from services.gateway.domain.rules.care import CareOfChild
from shared.ledger.registry import AgencyFacts
from shared.reference.rules import RecordKind
from shared.vocabulary import Level

UNKNOWN = "unknown"
"""What was given is none of the list. It is kept sealed as it came."""


@dataclass(frozen=True, slots=True)
class LevelAsGiven:
    """The level to act on, and whether it was ``known``, ``unknown`` or ``missing``."""

    acted_on: Level
    given: str = "known"


@dataclass(frozen=True, slots=True)
class ConsentAsGiven:
    """What is said of one data subject's consent: its status, and why there is none."""

    status: str | None = None
    no_consent_reason: str | None = None


_WEAKEST_FIRST = ("refused", "withdrawn", UNKNOWN, "not_sought", None, "not_needed", "given")


def overall(consents: Sequence[ConsentAsGiven]) -> ConsentAsGiven:
    """Return the consent that stands for several data subjects': the weakest."""
    return min(consents, key=lambda each: _WEAKEST_FIRST.index(each.status), default=ConsentAsGiven())


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One decision as the rules see it. A code is None when nothing was given, and ``unknown`` when it is not listed.

    ``consent`` is the weakest of ``consents``, one for each data subject.
    ``in_duty``: a general duty to share was in force for the agency on the day. What a kind of record cannot say has a
    value at which its rules are silent.
    """

    kind: RecordKind
    agency: AgencyFacts
    law: LawOfTheDay
    in_duty: bool
    practitioner_named: bool = True
    format_known: bool = True
    rationale_given: bool = True
    observation_given: bool = True
    where_it_happened_given: bool = True
    review_given: bool = True
    possible_crime: bool = False
    level: LevelAsGiven | None = None
    consent: str | None = None
    no_consent_reason: str | None = None
    consents: tuple[ConsentAsGiven, ...] = ()
    family_informed: str = "not_known"
    reason_not_informed: str | None = None
    article_6: str | None = None
    condition: str | None = None
    reasons: tuple[str, ...] = ()
    review_on: date | None = None
    requested: bool = False
    replied: bool = False
    reply_complete: bool = True
    indicators: frozenset[str] = frozenset()
    care: CareOfChild | None = None
    agreed: str | None = None
    agreed_by: str | None = None
    recipients_named: bool = True
    placed_by_named: bool = True
    noticed: frozenset[str] = field(default_factory=frozenset)


Predicate = Callable[[Case], bool]
"""Whether a rule speaks in a case. Pure; when, where and for whom the rule is in force is the data's business."""
