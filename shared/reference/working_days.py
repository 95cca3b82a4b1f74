"""Working days of each nation, and the deadlines that are reckoned in them or in clock hours."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

LOCAL = ZoneInfo("Europe/London")
END_OF_DAY = time(17, 0)
"""When a working day ends, local time. A deadline of n working days is at this hour of the n-th."""

WORKING_DAYS = "working_days"
"""Of a nation, which is named after a colon."""

CLOCK_HOURS = "clock_hours"
CALENDAR_DAYS = "calendar_days"

_SUBDIVISIONS = {"England": "ENG", "Wales": "WLS", "Scotland": "SCT", "Northern Ireland": "NIR"}


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment by which something is due, and the calendar it was reckoned on."""

    due_at: datetime
    calendar: str


def local_day(moment: datetime) -> date:
    """Return the day in the United Kingdom on which a moment falls: the law's day, an hour ahead of UTC's in summer.

    Raises OverflowError for a moment at the very end of the year 9999.
    """
    return moment.astimezone(LOCAL).date()


def is_working_day(day: date, *, nation: str) -> bool:
    """Return whether a day is neither at a weekend nor a bank holiday of the nation."""
    return day.weekday() < 5 and day not in _bank_holidays(nation, day.year)


def due_after_working_days(start: datetime, *, days: int, nation: str) -> Deadline:
    """Return the end of the n-th working day after the local day on which the clock started.

    What starts at a weekend, on a bank holiday or in the evening counts from that day all the same: the first working
    day after it is day one.
    """
    day = local_day(start)
    remaining = days
    while remaining > 0:
        day += timedelta(days=1)
        if is_working_day(day, nation=nation):
            remaining -= 1
    due_at = datetime.combine(day, END_OF_DAY, tzinfo=LOCAL).astimezone(UTC)
    return Deadline(due_at, f"{WORKING_DAYS}:{nation}")


def nation_counted_in(calendar: str) -> str | None:
    """Return whose working days a deadline was counted in, from its ``calendar``; None when it counts no such days."""
    unit, _, nation = calendar.partition(":")
    return nation if unit == WORKING_DAYS and nation else None


def due_after_calendar_days(start: date, *, days: int) -> Deadline:
    """Return the end of the n-th day after a day, whatever days lie between."""
    due_at = datetime.combine(start + timedelta(days=days), END_OF_DAY, tzinfo=LOCAL).astimezone(UTC)
    return Deadline(due_at, CALENDAR_DAYS)


def due_after_hours(start: datetime, *, hours: int) -> Deadline:
    """Return the moment that many clock hours later, whatever day it is."""
    return Deadline(start.astimezone(UTC) + timedelta(hours=hours), CLOCK_HOURS)


@lru_cache(maxsize=256)
def _bank_holidays(nation: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv=_SUBDIVISIONS.get(nation, "ENG"), years=year))
