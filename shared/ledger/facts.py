"""Reading an entry's facts in the shape that its type gives them."""

from typing import TypeVar

import msgspec

from shared.entries import Entry
from shared.errors import IntegrityFailure

Facts = TypeVar("Facts", bound=msgspec.Struct)


def read_facts(entry: Entry, shape: type[Facts]) -> Facts:
    """Return an entry's facts in their shape. Raises IntegrityFailure when they do not fit it."""
    try:
        return msgspec.convert(entry.facts, shape)
    except msgspec.ValidationError as error:
        raise IntegrityFailure(f"the facts of the entry at position {entry.position} do not fit its type") from error
