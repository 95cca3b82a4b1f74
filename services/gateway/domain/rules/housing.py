"""Rules on the one notice that rests on agreement: that a homeless child is in temporary accommodation.

Housing Act 1996 s.213AA (Children's Wellbeing and Schools Act 2026 s.11): the parent, or an applicant of 16 or 17,
agrees or does not. A refusal is lawful. It is no refusal of a safeguarding share, which needs no agreement.
"""

from services.gateway.domain.rules.care import age_on
from services.gateway.domain.rules.case import UNKNOWN, Case

AGREEMENT = frozenset({"given", "refused", "withdrawn", "not_asked"})
PARENT = "parent"
APPLICANT = "applicant_16_or_17"
MAY_AGREE = frozenset({PARENT, APPLICANT})
DAYS = 14


def may_tell(case: Case) -> bool:
    """Return whether somebody who may agree has agreed. Anything less tells nobody."""
    return case.agreed == "given" and case.agreed_by in MAY_AGREE and not housing_applicant_age(case)


def housing_refusal_lawful(case: Case) -> bool:
    """Agreement was refused or withdrawn."""
    return case.agreed in ("refused", "withdrawn")


def housing_agreement_missing(case: Case) -> bool:
    """Nothing is said of agreement, or nobody was asked."""
    return case.agreed in (None, "not_asked")


def housing_agreement_unknown(case: Case) -> bool:
    """What is said of agreement is none of the list."""
    return case.agreed == UNKNOWN


def housing_agreement_by_missing(case: Case) -> bool:
    """Agreement, and nothing says that it is a parent's or the young applicant's."""
    return case.agreed == "given" and case.agreed_by not in MAY_AGREE


def housing_applicant_age(case: Case) -> bool:
    """Agreement by a young applicant who is not 16 or 17."""
    born = case.care.born if case.care is not None else None
    return case.agreed_by == APPLICANT and born is not None and age_on(born, case.law.on) not in (16, 17)


def housing_recipients_missing(case: Case) -> bool:
    """Agreed, and nobody is named to be told."""
    return case.agreed == "given" and not case.recipients_named


def housing_placed_by_missing(case: Case) -> bool:
    """Nothing says which authority placed the family."""
    return not case.placed_by_named
