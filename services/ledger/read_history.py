"""Reading what followed from a record: its amendments, where it was passed on, and everybody who was told."""

from collections.abc import Sequence
from typing import Protocol

from services.ledger.as_recorded import AsPublished, check_recorded
from services.ledger.domain.amending import history_of
from services.ledger.ports import HashedEntry
from shared.entries import Entry, RoleFact, encode_entry, parse_entry
from shared.entry_types import RECORD_TYPES
from shared.errors import NotFound
from shared.identifiers import AuthorityCode, ChildRef, EntryId, Position
from shared.ledger.messages import StoredEntry
from shared.ledger.record_history import RecordHistory


class Histories(Protocol):
    """Where entries are read from with the hashes stored beside them."""

    async def entry(self, entry_id: EntryId) -> HashedEntry:
        """Return an entry by id. Raises NotFound."""
        ...

    async def hashed_child_entries(self, ref: ChildRef) -> Sequence[HashedEntry]:
        """Return every entry about a child, in order."""
        ...

    async def following_about_no_child(self, *, after: Position) -> Sequence[HashedEntry]:
        """Return every entry after a position that may follow from a record about no child, in order."""
        ...


async def read_history(reader: Histories, published: AsPublished, entry_id: EntryId) -> RecordHistory:
    """Return what followed from the record that an entry is, amends or was caused by, as it is committed now.

    Raises NotFound when there is no such entry, or no record behind it; LedgerDamaged when one of those entries is not
    what was recorded or published.
    """
    behind = await _record_behind(reader, entry_id)
    record = parse_entry(behind.leaf)
    child = record.subjects[0].ref if record.subjects else None
    if child is not None:
        stored = await reader.hashed_child_entries(child)
    else:
        stored = await reader.following_about_no_child(after=record.position)
    check_recorded((behind, *stored))
    following = [parse_entry(each.leaf) for each in stored]
    history = history_of(record, following)
    later = {each.position for each in history.later}
    await published.verification([behind, *(each for each in stored if each.position in later)])
    roles: dict[str, AuthorityCode] = {}
    version = 0
    for subject in (each for entry in following for each in entry.subjects if each.ref == child):
        version = max(version, subject.version)
        roles.update({fact.role: fact.authority for fact in subject.roles})
    return RecordHistory(
        record=_stored(record),
        later=tuple(_stored(entry) for entry in history.later),
        told=tuple(history.told),
        child=child,
        version=version,
        roles=tuple(RoleFact(role, authority) for role, authority in sorted(roles.items())),
        owed=tuple(history.owed),
    )


async def _record_behind(reader: Histories, entry_id: EntryId) -> HashedEntry:
    stored = await reader.entry(entry_id)
    entry = parse_entry(stored.leaf)
    # A cause always comes before what it causes, so that this ends.
    while entry.type not in RECORD_TYPES:
        if not entry.causes:
            raise NotFound("there is no record behind that entry")
        stored = await reader.entry(entry.causes[0])
        entry = parse_entry(stored.leaf)
    return stored


def _stored(entry: Entry) -> StoredEntry:
    return StoredEntry(entry.position, encode_entry(entry))
