"""With whom a child lives and for how long: when that is private fostering, and when notice of it is due.

Children Act 1989 s.66 and s.105(1); Children (Private Arrangements for Fostering) Regulations 2005 (SI 2005/1533).
"""

from dataclasses import dataclass
from datetime import date, timedelta

AGE_LIMIT = 16
AGE_LIMIT_IF_DISABLED = 18
DAYS = 28
NOTICE = timedelta(weeks=6)

PARENT_OR_CLOSE_RELATIVE = frozenset(
    {
        "parent",
        "mother",
        "father",
        "parental_responsibility",
        "step_parent",
        "grandparent",
        "sibling",
        "brother",
        "sister",
        "aunt",
        "uncle",
    }
)
"""Children Act 1989 s.105(1): of full or half blood, or by marriage or civil partnership. A cousin is none."""

NOT_PRIVATE = frozenset({"local_authority_foster_carer", "prospective_adopter", "children_s_home", "hospital"})
"""Children Act 1989 Sch 8 paras 1 to 5: who cares for a child otherwise than privately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CareOfChild:
    """Who cares for a child, since when and for how long, as a record says it."""

    born: date | None
    disabled: bool
    looked_after: bool
    carer: str | None = None
    since: date | None = None
    until: date | None = None
    days: int | None = None
    emergency: bool = False


def age_on(born: date, day: date) -> int:
    """Return the age in whole years. Who was born on 29 February is a year older on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def may_be_private_fostering(care: CareOfChild | None, *, on: date) -> bool:
    """Return whether everything but the length is as private fostering has it. A child of unknown age may be young."""
    if care is None or care.carer is None or care.looked_after:
        return False
    if care.carer in PARENT_OR_CLOSE_RELATIVE or care.carer in NOT_PRIVATE:
        return False
    limit = AGE_LIMIT_IF_DISABLED if care.disabled else AGE_LIMIT
    return care.born is None or age_on(care.born, on) < limit


def length_in_days(care: CareOfChild, *, on: date) -> int | None:
    """Return how long the arrangement is to last, or has lasted if that is all that is known; None when neither is."""
    if care.days is not None:
        return care.days
    if care.since is not None and care.until is not None:
        return (care.until - care.since).days
    if care.since is not None and (on - care.since).days >= DAYS:
        return (on - care.since).days
    return None


def is_private_fostering(care: CareOfChild | None, *, on: date) -> bool:
    """Return whether a child is, was or is to be privately fostered."""
    if care is None or not may_be_private_fostering(care, on=on):
        return False
    length = length_in_days(care, on=on)
    return length is not None and length >= DAYS


def notice_due(care: CareOfChild, *, on: date) -> str:
    """Return which notice is due: ``ended``, ``emergency``, ``six-weeks-before`` or ``at-once``."""
    if care.until is not None and care.until <= on:
        return "ended"
    if care.emergency:
        return "emergency"
    if care.since is not None and care.since - on >= NOTICE:
        return "six-weeks-before"
    return "at-once"
