"""Rules on withholding: reasons that are none, what is missing, and how fast somebody else must look again."""

from collections.abc import Mapping
from datetime import timedelta

from services.gateway.domain.rules.care import age_on
from services.gateway.domain.rules.case import UNKNOWN, Case, Predicate
from services.gateway.domain.rules.indicators import ACTIVE_PLAN, brooks_no_delay
from shared.vocabulary import HOLDS_WHATEVER_IS_OBSERVED, WithholdReason

MISCONCEPTIONS: Mapping[str, WithholdReason] = {
    "challenge-gdpr": WithholdReason.GDPR,
    "challenge-no-consent": WithholdReason.NO_CONSENT,
    "challenge-not-my-role": WithholdReason.NOT_MY_ROLE,
    "challenge-someone-else-will": WithholdReason.SOMEONE_ELSE_WILL,
    "challenge-other-purpose": WithholdReason.COLLECTED_FOR_OTHER_PURPOSE,
    "challenge-confidentiality": WithholdReason.DUTY_OF_CONFIDENCE,
    "challenge-human-rights": WithholdReason.HUMAN_RIGHTS,
    "challenge-no-agreement": WithholdReason.NO_SHARING_AGREEMENT,
    "challenge-no-system": WithholdReason.NO_SYSTEM_FOR_IT,
}
"""Reasons that are none, by the challenge that corrects each."""

COMPETENT_FROM = 13
"""Below this age no competence to decide whom to tell is taken for granted (Sexual Offences Act 2003 ss.5 to 8)."""

ADVICE_WITHIN = timedelta(days=3)
LONGEST_REVIEW = timedelta(days=365)


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


def challenge_young_persons_confidence(case: Case) -> bool:
    """A confidence is kept of who is under 13, or although harm is indicated."""
    if WithholdReason.YOUNG_PERSONS_CONFIDENCE.value not in case.reasons:
        return False
    born = case.care.born if case.care is not None else None
    return bool(case.indicators) or (born is not None and age_on(born, case.law.on) < COMPETENT_FROM)


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
        or challenge_young_persons_confidence(case)
    )


def withheld_despite_harm(case: Case) -> bool:
    """Something observed speaks against withholding, and no reason of law holds whatever was observed."""
    return bool(case.indicators) and (is_challenged(case) or HOLDS_WHATEVER_IS_OBSERVED.isdisjoint(case.reasons))


def second_decision_maker(case: Case) -> bool:
    """What was observed, or an active plan, brooks no delay."""
    return withheld_despite_harm(case) and (brooks_no_delay(case.indicators) or ACTIVE_PLAN in case.indicators)


def same_day_review(case: Case) -> bool:
    """An indicator of harm leaves the day."""
    return withheld_despite_harm(case) and not second_decision_maker(case)


def review_date_missing(case: Case) -> bool:
    """No date of review."""
    return not case.review_given


def review_date_past(case: Case) -> bool:
    """The date of review comes before the day of the decision."""
    return case.review_on is not None and case.review_on < case.law.on


def review_date_far(case: Case) -> bool:
    """The date of review is more than a year away."""
    return case.review_on is not None and case.review_on > case.law.on + LONGEST_REVIEW


def awaiting_advice_too_long(case: Case) -> bool:
    """Advice is awaited, and the review is not within days."""
    if WithholdReason.AWAITING_ADVICE.value not in case.reasons:
        return False
    return case.review_on is None or case.review_on > case.law.on + ADVICE_WITHIN


def requester_reply_missing(case: Case) -> bool:
    """Somebody asked, and no reply in writing is recorded."""
    return case.requested and not case.replied


def requester_reply_details_missing(case: Case) -> bool:
    """A reply in writing is recorded without when, or by what means."""
    return case.requested and case.replied and not case.reply_complete
