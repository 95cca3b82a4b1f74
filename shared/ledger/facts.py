"""An entry's facts in the shape that its type gives them: reading them, and writing them down."""

from typing import TypeVar

import msgspec

from shared.entries import Entry
from shared.errors import IntegrityFailure

_LEFT_OUT_WHEN_NOT_SAID = ("by", "carried_out_by", "signed")

Facts = TypeVar("Facts", bound=msgspec.Struct)


def read_facts(entry: Entry, shape: type[Facts]) -> Facts:
    """Return an entry's facts in their shape. Raises IntegrityFailure when they do not fit it."""
    try:
        return msgspec.convert(entry.facts, shape)
    except msgspec.ValidationError as error:
        raise IntegrityFailure(f"the facts of the entry at position {entry.position} do not fit its type") from error


def write_facts(facts: msgspec.Struct) -> dict[str, object]:
    """Return facts as they stand in an entry, for ever.

    What was added to a shape later is left out where it is not said. The release before knows no such name, not even
    with nothing in it: its ledger would refuse the entry, and whatever reads it there would stop.
    """
    said: dict[str, object] = msgspec.to_builtins(facts)
    return {name: value for name, value in said.items() if value is not None or name not in _LEFT_OUT_WHEN_NOT_SAID}
