"""The law of the day: by which day's law a decision is judged, and how that day came to be chosen."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.gateway.domain.record import said
from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput
from shared.reference.working_days import local_day

SKEW = timedelta(seconds=30)
"""How far a sender's clock may be ahead, as for signatures."""


class TimeGiven(StrEnum):
    """What the record says of the time of its decision."""

    USABLE = "usable"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class LawOfTheDay:
    """The day, in UK local time, whose law applies; and the time of decision as the ledger writes it, if it was given.

    A decision of 29 September 2026, 23:59 British Summer Time, is one of the 29th, though it be recorded a year later.
    """

    on: date
    given: TimeGiven
    decided_at: str | None

    @property
    def is_of_the_decision(self) -> bool:
        """Whether the day is the decision's own, and not merely today."""
        return self.given is TimeGiven.USABLE


def law_of_the_day(decided_at: str | None, *, now: datetime) -> LawOfTheDay:
    """Return by which day's law a decision is judged: its own, or today's when it gives none that can be used."""
    today = local_day(now)
    text = said(decided_at)
    if text is None:
        return LawOfTheDay(today, TimeGiven.MISSING, None)
    try:
        moment = parse_rfc3339(text)
    except (InvalidInput, OverflowError):
        return LawOfTheDay(today, TimeGiven.UNREADABLE, None)
    if moment > now + SKEW:
        return LawOfTheDay(today, TimeGiven.FUTURE, rfc3339(moment))
    try:
        return LawOfTheDay(local_day(moment), TimeGiven.USABLE, rfc3339(moment))
    except OverflowError:
        return LawOfTheDay(today, TimeGiven.UNREADABLE, None)
