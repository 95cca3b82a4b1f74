"""Rules on private fostering: that it is one, and which notice of it is due."""

from services.gateway.domain.rules.care import (
    is_private_fostering,
    length_in_days,
    may_be_private_fostering,
    notice_due,
)
from services.gateway.domain.rules.case import Case, Predicate


def private_fostering(case: Case) -> bool:
    """The child is, was or is to be privately fostered."""
    return is_private_fostering(case.care, on=case.law.on)


def private_fostering_length_missing(case: Case) -> bool:
    """It would be private fostering if it lasts, and nothing says how long."""
    care, on = case.care, case.law.on
    return care is not None and may_be_private_fostering(care, on=on) and length_in_days(care, on=on) is None


def notice(which: str) -> Predicate:
    """Return the predicate that this notice of private fostering is the one due."""

    def predicate(case: Case) -> bool:
        return private_fostering(case) and case.care is not None and notice_due(case.care, on=case.law.on) == which

    return predicate
