"""Which missing payloads an erasure accounts for: what cannot be opened and was not erased on the record is a fault."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.entries import Entry
from shared.identifiers import Position
from shared.vocabulary import EntryType


@dataclass(frozen=True, slots=True)
class Missing:
    """A sealed section that cannot be opened any more."""

    position: Position
    section: str
    detail: str


@dataclass(slots=True)
class Erasures:
    """Holds what is missing until an ``erasure.recorded`` *after* it accounts for it (G9)."""

    erased: int = 0
    _missing: dict[tuple[Position, str], Missing] = field(default_factory=dict)
    _by_name: dict[str, list[tuple[Position, str]]] = field(default_factory=dict)

    def miss(self, entry: Entry, section: str, detail: str) -> None:
        """Note that a section of an entry is missing or its key gone."""
        place = (entry.position, section)
        self._missing[place] = Missing(entry.position, section, detail)
        for name in _names_of(entry):
            self._by_name.setdefault(name, []).append(place)

    def take(self, entry: Entry) -> None:
        """Account for what an entry erased, if it is an erasure."""
        if entry.type is EntryType.ERASURE_RECORDED:
            for place in self._by_name.pop(_target_of(entry), ()):
                if self._missing.pop(place, None) is not None:
                    self.erased += 1

    def unaccounted(self) -> Iterator[Missing]:
        """Yield what is missing and was never erased, in position order."""
        yield from self._missing.values()


def _names_of(entry: Entry) -> tuple[str, str]:
    """Return what an erasure may call an entry's sections by: the child whose key sealed them, or the entry.

    Of an entry about nobody ``sealed_under`` says whose key it was; without it the entry has a key of its own.
    """
    sealed_under = entry.facts.get("sealed_under")
    child = entry.subjects[0].ref if entry.subjects else sealed_under if isinstance(sealed_under, str) else None
    return f"child:{child}", f"entry:{entry.id}"


def _target_of(entry: Entry) -> str:
    target = entry.facts.get("target")
    if not isinstance(target, dict):
        return ""
    scope = target.get("scope")
    return f"{scope}:{target.get(str(scope))}"
