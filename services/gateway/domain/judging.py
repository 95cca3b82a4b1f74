"""Judging what a record says of level, consent and lawful basis: codes for the ledger, advice for the sender.

Nothing here refuses: an unknown code is kept sealed as it came, and acted on as the most urgent thing it could mean.
"""

from dataclasses import dataclass
from datetime import date, datetime

from services.gateway.domain.record import Concern, Consent, FamilyInformed, LawfulBasis, said
from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput
from shared.vocabulary import ConsentStatus, DutyClass, Level, NoConsentReason

RULES_VERSION = "rules/2026-11-24"

DUTY_FROM = date(2026, 9, 30)
"""The information sharing duty of Children Act 2004 s.16LA is in force from this day."""

_ARTICLE_6 = {"6(1)(a)", "6(1)(b)", "6(1)(c)", "6(1)(d)", "6(1)(e)", "6(1)(ea)", "6(1)(f)"}
_NOT_FOR_PUBLIC_BODIES = {"6(1)(ea)", "6(1)(f)"}
_CONDITIONS = {
    "explicit_consent",
    "vital_interests",
    "legal_claims",
    "health_or_social_care",
    "sch1_para1",
    "sch1_para2",
    "sch1_para6",
    "sch1_para10",
    "sch1_para18",
    "sch1_para19",
    "sch8_para4",
}
_REASONS_NOT_INFORMED = {
    "raises_risk",
    "risk_to_another",
    "obstructs_police",
    "unjustified_delay",
    "loss_of_evidence",
}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judged:
    """Codes for the entry's facts, and advice."""

    facts: dict[str, object]
    advice: tuple[str, ...]


def judge_level(concern: Concern | None) -> tuple[Level, str, tuple[str, ...]]:
    """Return the level to act on, whether it was ``known``, ``unknown`` or ``missing``, and advice."""
    given = said(concern.level) if concern is not None else None
    if given is None:
        return Level.IMMEDIATE_DANGER, "missing", ("level-missing",)
    try:
        level = Level(given.lower())
    except ValueError:
        return Level.IMMEDIATE_DANGER, UNKNOWN, ("level-unknown",)
    if concern is not None and concern.immediate_danger is True:
        level = Level.IMMEDIATE_DANGER
    return level, "known", ()


def judge_consent(consent: Consent | None, basis: LawfulBasis | None, informed: FamilyInformed | None) -> Judged:
    """Return consent, its absence's reason and what the family was told, as codes.

    Data Protection Act 2018 Sch 1 para 18(2): without consent, one of three reasons.
    """
    advice: list[str] = []
    status = _code(consent.status if consent else None, {each.value for each in ConsentStatus})
    if status is None:
        advice.append("consent-missing")
    elif status == UNKNOWN:
        advice.append("consent-unknown")
    reason = _code(consent.no_consent_reason if consent else None, {each.value for each in NoConsentReason})
    condition = said(basis.condition) if basis else None
    if condition == "sch1_para18" and status != ConsentStatus.GIVEN and reason in (None, UNKNOWN):
        advice.append("no-consent-reason-missing")
    told = _informed(informed)
    not_told = _code(informed.reason_not_informed if informed else None, _REASONS_NOT_INFORMED)
    if told == "no" and not_told is None:
        advice.append("informed-reason-missing")
    return Judged(
        {
            "consent": status,
            "no_consent_reason": reason,
            "family_informed": told,
            "reason_not_informed": not_told,
        },
        tuple(advice),
    )


def judge_basis(basis: LawfulBasis | None, *, duty_class: str, decided_on: date) -> Judged:
    """Return the lawful basis as codes, judged by the law of the day of the decision.

    Data (Use and Access) Act 2025 s.70: a public authority in its tasks cannot use 6(1)(ea) or (f). Data Protection Act
    2018 Sch 1 para 19 is for adults.
    """
    advice: list[str] = []
    article = _code(basis.article_6 if basis else None, _ARTICLE_6)
    if article is None:
        advice.append("basis-missing")
    elif article == UNKNOWN:
        advice.append("basis-unknown")
    elif article in _NOT_FOR_PUBLIC_BODIES and duty_class == DutyClass.S11_BODY:
        advice.append("basis-not-for-public-bodies")
    condition = _code(basis.condition if basis else None, _CONDITIONS)
    if condition == "sch1_para19":
        advice.append("condition-not-for-children")
    in_duty = duty_class != DutyClass.VOLUNTARY_OTHER and decided_on >= DUTY_FROM
    return Judged(
        {"article_6": article, "condition": condition, "regime": "duty" if in_duty else "permissive"}, tuple(advice)
    )


def read_moment(text: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return a time as the ledger writes it, or None; with advice when something unreadable was given."""
    given = said(text)
    if given is None:
        return None, ()
    try:
        return rfc3339(parse_rfc3339(given)), ()
    except InvalidInput:
        return None, ("time-unreadable",)


def decision_day(decided_at: str | None, *, now: datetime) -> date:
    """Return the day by whose law a decision is judged: the one it was made on, else today."""
    moment, _ = read_moment(decided_at)
    return (parse_rfc3339(moment) if moment is not None else now).date()


def _code(text: str | None, known: set[str]) -> str | None:
    given = said(text)
    if given is None:
        return None
    return given if given in known else given.lower() if given.lower() in known else UNKNOWN


def _informed(informed: FamilyInformed | None) -> str:
    if informed is None or not isinstance(informed.informed, bool):
        return "not_known"
    return "yes" if informed.informed else "no"
