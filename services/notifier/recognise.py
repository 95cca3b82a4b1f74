"""Recognising the ledger's entries among Kafka's records: a record says that there is one, the ledger says what."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from services.notifier.ports import Ledger
from shared.entries import Entry, parse_entry
from shared.errors import InvalidInput
from shared.identifiers import Position

LARGEST_CALL = 500
_MOST_DIGITS = 18
"""What has more is no position, and would not fit into a database's integer."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """A record that is an entry of the ledger, byte for byte; ``entry`` is None where this release cannot read it."""

    position: Position
    entry: Entry | None


async def leaves_at(ledger: Ledger, positions: Collection[Position]) -> dict[Position, bytes]:
    """Return the leaves that the ledger has at positions; one call for those that stand within five hundred."""
    wanted, found = sorted(set(positions)), dict[Position, bytes]()
    while wanted:
        near = [position for position in wanted if position < wanted[0] + LARGEST_CALL]
        span = near[-1] - near[0] + 1
        page = await ledger.entries(after=near[0] - 1, limit=span)
        found.update({stored.position: stored.leaf for stored in page.entries})
        # A page that is not full ends where the ledger ends.
        wanted = wanted[len(near) :] if len(page.entries) == span else []
    return found


def recognise(value: bytes | None, headers: Mapping[str, str], leaves: Mapping[Position, bytes]) -> Recognised | None:
    """Return which entry a record is; None when it is none of the ledger's, whose leaves are given.

    What a record says of itself is not believed: anybody who may write to the topic can write an entry in its form.
    """
    position = said_position(headers)
    if position is None or value is None or leaves.get(position) != value:
        return None
    try:
        return Recognised(position, parse_entry(value))
    except InvalidInput:
        return Recognised(position, None)


def said_position(headers: Mapping[str, str]) -> Position | None:
    """Return the position that a record's headers name; None when they name none."""
    return _position(headers.get("position", ""))


def said_previous(headers: Mapping[str, str]) -> Position | None:
    """Return the position that a record names as the one before it in its partition; None when it names none."""
    return _position(headers.get("previous", ""))


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Return a record's headers as text, whatever anybody wrote there. Kafka lets a header have no value."""
    return {name: (value or b"").decode("ascii", "replace") for name, value in headers}


def _position(text: str) -> Position | None:
    return Position(int(text)) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
