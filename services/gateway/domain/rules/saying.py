"""Rules on what a record says and leaves unsaid: who, when, how serious, what was seen, consent, the family."""

from services.gateway.domain.law import TimeGiven
from services.gateway.domain.rules.case import UNKNOWN, Case
from services.gateway.domain.rules.indicators import brooks_no_delay

REASONS_NOT_INFORMED = frozenset(
    {"raises_risk", "risk_to_another", "obstructs_police", "unjustified_delay", "loss_of_evidence"}
)


def judged_by_law_of_today(case: Case) -> bool:
    """The decision gives no time that can be used."""
    return not case.law.is_of_the_decision


def decided_in_future(case: Case) -> bool:
    """The decision is dated ahead."""
    return case.law.given is TimeGiven.FUTURE


def time_unreadable(case: Case) -> bool:
    """A time, of the decision or of what was seen, is not as RFC 3339 writes it."""
    return case.law.given is TimeGiven.UNREADABLE or "time-unreadable" in case.noticed


def level_unknown(case: Case) -> bool:
    """The level is none of the four."""
    return case.level is not None and case.level.given == UNKNOWN


def level_missing(case: Case) -> bool:
    """No level was given."""
    return case.level is not None and case.level.given == "missing"


def concern_text_missing(case: Case) -> bool:
    """Nothing says what was seen or said."""
    return not case.observation_given


def practitioner_missing(case: Case) -> bool:
    """Nobody is named who decided."""
    return not case.practitioner_named


def rationale_missing(case: Case) -> bool:
    """No rationale."""
    return not case.rationale_given


def format_unknown(case: Case) -> bool:
    """The record names a format that is none of ours."""
    return not case.format_known


def told_at_once(case: Case) -> bool:
    """Something was observed that brooks no delay."""
    return brooks_no_delay(case.indicators)


def consent_missing(case: Case) -> bool:
    """Nothing is said of consent."""
    return case.consent is None


def consent_unknown(case: Case) -> bool:
    """The consent status is none of the list."""
    return case.consent == UNKNOWN


def consent_never_gates(case: Case) -> bool:
    """Consent was refused or withdrawn, and the share goes ahead."""
    return case.consent in ("refused", "withdrawn")


def informed_missing(case: Case) -> bool:
    """Nothing is said of whether the family was told."""
    return case.family_informed == "not_known"


def informed_reason_missing(case: Case) -> bool:
    """The family was not told and no reason is given."""
    return case.family_informed == "no" and case.reason_not_informed is None


def informed_reason_unknown(case: Case) -> bool:
    """The reason for not telling the family is none of the list."""
    return case.reason_not_informed == UNKNOWN


def wales_tell_where_it_happened(case: Case) -> bool:
    """Nothing says where the concern arose."""
    return not case.where_it_happened_given


def always(_case: Case) -> bool:
    """Whenever the rule is in force for the sender."""
    return True


def possible_crime(case: Case) -> bool:
    """A crime may have been committed."""
    return case.possible_crime
