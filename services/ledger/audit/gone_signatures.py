"""Signatures that are not to be had, each held against the erasures that come after it."""

from collections import defaultdict

from shared.entries import Entry
from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import ChildRef, Position
from shared.ledger.facts import read_facts
from shared.ledger.stewardship import SCOPE_CHILD, SCOPE_ENTRY, ErasureFacts, Target
from shared.vocabulary import EntryType


class GoneSignatures:
    """Holds the entries whose signature is not to be had until an erasure says why. Memory grows with those alone."""

    def __init__(self) -> None:
        self._covers: dict[Position, tuple[str, str]] = {}
        self._under: defaultdict[str, set[Position]] = defaultdict(set)

    def add(self, entry: Entry) -> None:
        """Take an entry whose signature is gone: sealed under its first child's key, it goes with that or by itself."""
        child = entry.subjects[0].ref if entry.subjects else str(entry.facts.get("sealed_under"))
        by_itself = Target(SCOPE_ENTRY, None, entry.id)
        self._covers[entry.position] = (Target(SCOPE_CHILD, ChildRef(child)).name, by_itself.name)
        for name in self._covers[entry.position]:
            self._under[name].add(entry.position)

    def erased_by(self, entry: Entry) -> list[Position]:
        """Return those that an entry says were erased, and hold them no longer. Nothing unless it is an erasure.

        One that cannot be read covers nothing: the log's own check names it.
        """
        if not self._covers or entry.type is not EntryType.ERASURE_RECORDED:
            return []
        try:
            target = read_facts(entry, ErasureFacts).target.name
        except (InvalidInput, IntegrityFailure):
            return []
        gone = sorted(self._under.get(target, ()))
        for position in gone:
            for name in self._covers.pop(position):
                self._under[name].discard(position)
        return gone

    def unexplained(self) -> list[Position]:
        """Return those that no erasure has explained."""
        return sorted(self._covers)
