"""A mapping while entries are folded into it: copied once for all that changes in it, not once for each change."""

from collections.abc import Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Changing(Generic[Key, Value]):
    """Begins as somebody else's mapping, which it never changes. ``now`` is its present state, to be read or kept."""

    __slots__ = ("_own", "now")

    def __init__(self, before: Mapping[Key, Value]) -> None:
        self.now = before
        self._own: dict[Key, Value] | None = None

    def put(self, key: Key, value: Value) -> None:
        """Set what a key leads to."""
        self._copied()[key] = value

    def remove(self, key: Key) -> None:
        """Take a key away, if it is there."""
        if key in self.now:
            del self._copied()[key]

    def _copied(self) -> dict[Key, Value]:
        if self._own is None:
            self.now = self._own = dict(self.now)
        return self._own
