"""What the gateway's use cases need from outside, each with its guarantees."""

from typing import Protocol

from shared.identifiers import EntryId, ObligationId
from shared.ledger.audit_messages import (
    BreakGlass,
    GlassBroken,
    OpenSignatures,
    SignaturesPage,
    WhoKnew,
    WhoKnewQuery,
)
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
from shared.ledger.reading_messages import ChildFound, Chronology, FindChild, ReadChronology
from shared.ledger.record_history import RecordHistory
from shared.ledger.reviews import OverdueReviewsPage, OverdueReviewsQuery


class AuditLedger(Protocol):
    """The ledger as the gateway may use it for auditors; ``LedgerClient`` says what each call guarantees."""

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        """Return entries after a position."""
        ...

    async def tile(self, path: str) -> bytes:
        """Return one of the log's static files, among them its ``checkpoint``."""
        ...

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        """Return who knew what about a child at a moment."""
        ...

    async def break_glass(self, request: BreakGlass) -> GlassBroken:
        """Open one sealed section for an auditor."""
        ...

    async def open_signatures(self, request: OpenSignatures) -> SignaturesPage:
        """Open a page of signature sections for an auditor's run."""
        ...


class ReadingLedger(Protocol):
    """The ledger as the gateway may use it for agencies that read; ``LedgerClient`` says what each call guarantees."""

    async def admit_read(self, request: AdmitRead) -> None:
        """Use up a nonce."""
        ...

    async def chronology(self, request: ReadChronology) -> Chronology:
        """Return a page of a child's chronology."""
        ...

    async def find_child(self, request: FindChild) -> ChildFound:
        """Return the child that identifiers name, if the reader has a part in its case."""
        ...


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

    async def record_history(self, entry_id: EntryId) -> RecordHistory:
        """Return what followed from a record."""
        ...

    async def overdue_reviews(self, query: OverdueReviewsQuery) -> OverdueReviewsPage:
        """Return withholdings found past their day of review, and not reviewed since."""
        ...

    async def obligation(self, obligation_id: ObligationId) -> ObligationState:
        """Return the state of one obligation."""
        ...

    async def tree_head(self) -> TreeHead:
        """Return the latest checkpoint."""
        ...
