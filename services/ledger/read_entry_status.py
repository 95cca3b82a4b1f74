"""Reading how one entry stands: what it says, the answer given for it, and how far everybody is told."""

from typing import Protocol

from services.ledger.ports import HashedEntry
from services.ledger.proven_entries import HeldAgainst, check_entries
from shared.errors import NotFound
from shared.identifiers import EntryId, Position
from shared.ledger.messages import EntryStatus, ObligationState, StoredEntry
from shared.transparency.merkle import leaf_hash

NOWHERE = Position(-1)


class EntryStates(Protocol):
    """Where entries are read from, with what was answered and what is owed because of each."""

    async def entry(self, entry_id: EntryId) -> HashedEntry:
        """Return an entry by id. Raises NotFound."""
        ...

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        """Return stored entries after a position, in order."""
        ...

    async def answer(self, position: Position) -> bytes:
        """Return the original answer given for the entry at a position; empty when it had none."""
        ...

    async def obligations_of(self, position: Position) -> tuple[ObligationState, ...]:
        """Return everything owed because of one entry."""
        ...


async def read_entry_status(reader: EntryStates, published: HeldAgainst, entry_id: EntryId) -> EntryStatus:
    """Return how an entry stands. Raises NotFound; LedgerDamaged when it is not what was recorded or published."""
    try:
        stored = await reader.entry(entry_id)
    except NotFound:
        # As much work as for one that is there, so that the time it takes tells nothing to whom it is refused.
        for first in await reader.entries(after=NOWHERE, limit=1, registry_only=False):
            await check_entries((HashedEntry(first.position, first.leaf, leaf_hash(first.leaf)),), published)
        await reader.answer(NOWHERE)
        await reader.obligations_of(NOWHERE)
        raise
    await check_entries((stored,), published)
    return EntryStatus(
        stored.position,
        stored.leaf,
        await reader.answer(stored.position),
        await reader.obligations_of(stored.position),
    )
