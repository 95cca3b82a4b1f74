"""Reading what followed from a record: its amendments, where it was passed on, and everybody who was told."""

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.domain.amending import history_of
from shared.entries import Entry, RoleFact, encode_entry, parse_entry
from shared.errors import NotFound
from shared.identifiers import AuthorityCode, EntryId
from shared.ledger.messages import StoredEntry
from shared.ledger.record_history import RecordHistory
from shared.vocabulary import RECORD_TYPES


async def read_history(reader: PostgresReader, entry_id: EntryId) -> RecordHistory:
    """Return what followed from the record that an entry is, amends or was caused by, as it is committed now.

    Raises NotFound when there is no such entry, or no record behind it.
    """
    record = await _record_behind(reader, entry_id)
    child = record.subjects[0].ref if record.subjects else None
    if child is not None:
        stored = await reader.child_entries(child)
    else:
        stored = await reader.following_about_no_child(after=record.position)
    following = [parse_entry(each.leaf) for each in stored]
    history = history_of(record, following)
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


async def _record_behind(reader: PostgresReader, entry_id: EntryId) -> Entry:
    entry = parse_entry((await reader.entry(entry_id)).leaf)
    # A cause always comes before what it causes, so that this ends.
    while entry.type not in RECORD_TYPES:
        if not entry.causes:
            raise NotFound("there is no record behind that entry")
        entry = parse_entry((await reader.entry(entry.causes[0])).leaf)
    return entry


def _stored(entry: Entry) -> StoredEntry:
    return StoredEntry(entry.position, encode_entry(entry))
