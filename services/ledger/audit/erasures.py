"""What the ledger says was erased, held against what is there: gone only if an erasure says so, and then really."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.stored_log import StoredLog
from shared.entries import Entry, parse_entry
from shared.entry_types import STEWARDSHIP_TYPES
from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import ChildRef, EntryId
from shared.ledger.facts import read_facts
from shared.ledger.stewardship import SCOPE_CHILD, ErasureFacts


@dataclass(frozen=True, slots=True)
class Erasures:
    """Where each child's and each entry's erasure stands. It covers what was recorded before it, and nothing after."""

    children: Mapping[ChildRef, int]
    entries: Mapping[EntryId, int]

    def covers(self, entry: Entry) -> bool:
        """Return whether sections of an entry may be gone."""
        return self.covers_whole(entry) or any(self._child_gone(subject.ref, entry) for subject in entry.subjects)

    def covers_whole(self, entry: Entry) -> bool:
        """Return whether every section of an entry must be gone: it was erased, or was about one erased child only."""
        if entry.position < self.entries.get(entry.id, -1):
            return True
        under = entry.facts.get("sealed_under")
        if not entry.subjects:
            return isinstance(under, str) and self._child_gone(ChildRef(under), entry)
        return len(entry.subjects) == 1 and self._child_gone(entry.subjects[0].ref, entry)

    def covers_key(self, key_id: str, entry: Entry) -> bool:
        """Return whether what an entry has sealed under a key must be gone."""
        return self._child_gone(ChildRef(key_id), entry)

    def is_key_of(self, key_id: str, entry: Entry) -> bool:
        """Return whether a key is one that an entry's sections may be sealed under.

        It is its child's; or the entry's own, for what says what is kept or erased, for what is about nobody, and for
        what carries an obligation on once its child has been erased.
        """
        if not entry.subjects:
            return key_id in (entry.id, entry.facts.get("sealed_under"))
        child = entry.subjects[0].ref
        by_itself = entry.type in STEWARDSHIP_TYPES or entry.position > self.children.get(child, entry.position)
        return key_id == (entry.id if by_itself else child)

    def _child_gone(self, child: ChildRef, entry: Entry) -> bool:
        return entry.position < self.children.get(child, -1)


async def read_erasures(stored: StoredLog) -> Erasures:
    """Return what the stored erasures say. One that cannot be read covers nothing: the log's own check names it."""
    children: dict[ChildRef, int] = {}
    entries: dict[EntryId, int] = {}
    async for position, leaf in stored.erasing_leaves():
        try:
            target = read_facts(parse_entry(leaf), ErasureFacts).target
        except (InvalidInput, IntegrityFailure):
            continue
        if target.scope == SCOPE_CHILD and target.child is not None:
            children.setdefault(target.child, position)
        elif target.entry is not None:
            entries.setdefault(target.entry, position)
    return Erasures(children, entries)


async def check_children_gone(erasures: Erasures, stored: StoredLog, report: Report) -> None:
    """Report every erased child whose key, or any way of looking it up, is still there."""
    for child, position in erasures.children.items():
        if await stored.left_of(child):
            report.find(
                FindingKind.ERASED_IN_NAME_ONLY,
                f"the erasure at entry {position} says a child's key and look-up hashes are gone, and one is there",
                at=position,
            )
