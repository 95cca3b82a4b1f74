"""Time: one way to ask for it and one way to write it down."""

import re
from datetime import UTC, datetime
from typing import Protocol

from shared.errors import InvalidInput

_LEAP_SECOND = re.compile(r"(T[0-9]{2}:[0-9]{2}:)60")


class Clock(Protocol):
    """Says what time it is. Handed in, so that every rule about time can be tested at any moment."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Return an aware moment as RFC 3339 in UTC with microseconds: ``2026-11-24T10:52:00.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime:
    """Return the aware moment that ``text`` names, in UTC. Raises InvalidInput when it is not RFC 3339.

    A leap second is the one before it (RFC 3339 section 5.7); ``t`` and ``z`` may be small (section 5.6).
    """
    try:
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(r"\g<1>59", text.upper()))
    except ValueError as error:
        raise InvalidInput("not a time as RFC 3339 writes it, such as 2026-11-24T10:52:00Z") from error
    if moment.tzinfo is None:
        raise InvalidInput("a time without its offset from UTC; write Z or +01:00 after it")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput("a time before the year 1 or after the year 9999") from error
