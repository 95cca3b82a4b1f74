"""What the gateway's use cases need from outside, each with its guarantees."""

from typing import Protocol

from shared.identifiers import EntryId, ObligationId
from shared.ledger.messages import (
    AdmitRead,
    Appended,
    AppendRequest,
    EntriesPage,
    EntryStatus,
    ObligationState,
    ResolveChild,
    ResolvedChild,
    TreeHead,
)


class Ledger(Protocol):
    """The ledger as the gateway may use it; ``shared.ledger.client.LedgerClient`` says what each call guarantees."""

    async def append(self, request: AppendRequest) -> Appended:
        """Append an entry; durable when this returns."""
        ...

    async def resolve_child(self, request: ResolveChild) -> ResolvedChild:
        """Return who identifiers name."""
        ...

    async def admit_read(self, request: AdmitRead) -> None:
        """Use up a nonce."""
        ...

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        """Return entries after a position."""
        ...

    async def entry_status(self, entry_id: EntryId) -> EntryStatus:
        """Return an entry and what is owed because of it."""
        ...

    async def obligation(self, obligation_id: ObligationId) -> ObligationState:
        """Return the state of one obligation."""
        ...

    async def tree_head(self) -> TreeHead:
        """Return the latest checkpoint."""
        ...
