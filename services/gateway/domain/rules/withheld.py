"""Rules on withholding: reasons that are none, what is missing, and what must be looked at again within the hour."""

from collections.abc import Mapping

from services.gateway.domain.rules.case import UNKNOWN, Case, Predicate
from services.gateway.domain.rules.indicators import ACTIVE_PLAN, brooks_no_delay
from shared.vocabulary import WithholdReason

MISCONCEPTIONS: Mapping[str, WithholdReason] = {
    "challenge-gdpr": WithholdReason.GDPR,
    "challenge-no-consent": WithholdReason.NO_CONSENT,
    "challenge-not-my-role": WithholdReason.NOT_MY_ROLE,
    "challenge-someone-else-will": WithholdReason.SOMEONE_ELSE_WILL,
}
"""Reasons that are none, by the challenge that corrects each."""


def rests_on(reason: WithholdReason) -> Predicate:
    """Return the predicate that a withholding gives that reason."""

    def predicate(case: Case) -> bool:
        return reason.value in case.reasons

    return predicate


def challenge_reason_missing(case: Case) -> bool:
    """No reason is given."""
    return not case.reasons


def challenge_reason_unknown(case: Case) -> bool:
    """A reason is none of the list."""
    return UNKNOWN in case.reasons


def challenge_rationale_missing(case: Case) -> bool:
    """No rationale."""
    return not case.rationale_given


def rests_on_a_misconception(case: Case) -> bool:
    """One of the reasons is none."""
    return any(reason.value in case.reasons for reason in MISCONCEPTIONS.values())


def is_challenged(case: Case) -> bool:
    """The withholding is challenged, for whatever cause."""
    return (
        rests_on_a_misconception(case)
        or challenge_reason_missing(case)
        or challenge_reason_unknown(case)
        or challenge_rationale_missing(case)
    )


def second_decision_maker(case: Case) -> bool:
    """Challenged, and what was observed, or an active plan, brooks no delay."""
    return is_challenged(case) and (brooks_no_delay(case.indicators) or ACTIVE_PLAN in case.indicators)


def same_day_review(case: Case) -> bool:
    """Challenged, with an indicator of harm that leaves the day."""
    return is_challenged(case) and bool(case.indicators) and not second_decision_maker(case)


def review_date_missing(case: Case) -> bool:
    """No date of review."""
    return not case.review_given
