"""What was observed, as codes, and how fast it must be looked at by somebody else.

Working Together to Safeguard Children: an injury to an infant who cannot move about, sexual activity under 13 (an
offence whatever is said of consent: Sexual Offences Act 2003 ss.5 to 8), and a child on a plan brook no delay.
"""

from datetime import date

from services.gateway.domain.record import Concern, said
from services.gateway.domain.rules.care import age_on
from services.gateway.domain.said import may_be
from shared.vocabulary import Level

INJURY = "injury"
NON_MOBILE_INFANT = "non_mobile_infant"
SEXUAL_ACTIVITY = "sexual_activity"
UNDER_13_SEXUAL_ACTIVITY = "under_13_sexual_activity"
ACTIVE_PLAN = "active_plan"
SIGNIFICANT_HARM = "significant_harm"
THREATS = "threats"
FORCED_MARRIAGE = "forced_marriage"

KNOWN = (
    INJURY,
    NON_MOBILE_INFANT,
    SEXUAL_ACTIVITY,
    UNDER_13_SEXUAL_ACTIVITY,
    ACTIVE_PLAN,
    SIGNIFICANT_HARM,
    THREATS,
    FORCED_MARRIAGE,
)

MOBILE_FROM_MONTHS = 6
"""An infant younger than this is taken not to move about, whether or not the record says so."""


def indicators_of(concern: Concern | None, *, born: date | None, on: date) -> tuple[str, ...]:
    """Return the indicators that a record names, or that its level and the child's age imply, in a fixed order."""
    if concern is None:
        return ()
    found = {text.strip().lower() for text in concern.indicators} & set(KNOWN)
    level = (said(concern.level) or "").lower()
    if level in (Level.SIGNIFICANT_HARM, Level.IMMEDIATE_DANGER) or may_be(concern.immediate_danger):
        found.add(SIGNIFICANT_HARM)
    if born is not None and born <= on:
        if INJURY in found and _months_on(born, on) < MOBILE_FROM_MONTHS:
            found.add(NON_MOBILE_INFANT)
        if SEXUAL_ACTIVITY in found and age_on(born, on) < 13:
            found.add(UNDER_13_SEXUAL_ACTIVITY)
    return tuple(code for code in KNOWN if code in found)


def brooks_no_delay(indicators: frozenset[str]) -> bool:
    """Return whether what was observed of the child itself must be acted on within the hour."""
    return {INJURY, NON_MOBILE_INFANT} <= indicators or UNDER_13_SEXUAL_ACTIVITY in indicators


def _months_on(born: date, day: date) -> int:
    return (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
