"""Which key-encryption keys the ledger says were destroyed: what is still wrapped under one opens no more."""

from collections.abc import Mapping

from services.ledger.audit.findings import DestroyedKey
from services.ledger.audit.stored_log import StoredLog
from shared.entries import parse_entry
from shared.errors import IntegrityFailure, InvalidInput
from shared.ledger.facts import read_facts
from shared.ledger.service_keys import DestroyedKeyFacts
from shared.vocabulary import EntryType

EVERY_POSITION = 2**63 - 1


async def read_destroyed_keys(stored: StoredLog) -> Mapping[str, DestroyedKey]:
    """Return the keys recorded as destroyed, by id. An entry that cannot be read says nothing; others name it."""
    destroyed: dict[str, DestroyedKey] = {}
    async for leaf in stored.registry_leaves(before=EVERY_POSITION):
        try:
            entry = parse_entry(leaf)
            if entry.type is EntryType.ENCRYPTION_KEY_DESTROYED:
                kek_id = read_facts(entry, DestroyedKeyFacts).kek_id
                destroyed.setdefault(kek_id, DestroyedKey(kek_id, entry.position, entry.time))
        except (InvalidInput, IntegrityFailure):
            continue
    return destroyed
