"""The ledger as its callers see it: one method for each thing it may be asked."""

import asyncio
from collections.abc import AsyncIterator

from shared.entries import Entry, parse_entry
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import ChildRef, EntryId, ObligationId, Position
from shared.ledger.audit_messages import (
    BreakGlass,
    GlassBroken,
    OpenSignatures,
    SignaturesPage,
    WhoKnew,
    WhoKnewQuery,
)
from shared.ledger.key_messages import (
    DestroyEncryptionKey,
    EncryptionKeys,
    RewrapDataKeys,
    RewrappedDataKeys,
    RotatedEncryptionKey,
    RotateEncryptionKey,
)
from shared.ledger.lane import Lane
from shared.ledger.messages import (
    AdmitRead,
    Appended,
    AppendRequest,
    ChildKnownQuery,
    EntriesPage,
    EntryStatus,
    LedgerStanding,
    ObligationQuery,
    ObligationState,
    OpenedSection,
    OpenSection,
    OwedPage,
    OwedQuery,
    ResolveChild,
    ResolvedChild,
    StoredEntry,
    TileQuery,
    TreeHead,
    WaitForEntry,
)
from shared.ledger.reading_messages import ChildFound, Chronology, FindChild, ReadChronology
from shared.ledger.record_history import RecordHistory, RecordHistoryQuery
from shared.ledger.reviews import OverdueReviewsPage, OverdueReviewsQuery
from shared.ledger.stewardship import Stewardship
from shared.process.peer import Peer

PAGE_LIMIT = 500
WAIT_S = 5.0
"""Shorter than any call may take, so that waiting is never mistaken for silence."""
RETRY_AFTER_S = 0.5


class LedgerTiles:
    """Implements TileSource by asking the ledger."""

    def __init__(self, client: "LedgerClient") -> None:
        self._client = client

    async def read(self, path: str) -> bytes:
        """Return the bytes at a path below the log's prefix, unverified."""
        return await self._client.tile(path)


class LedgerClient:
    """Calls to the ledger. What a caller may ask depends on the socket or certificate it came by.

    Every method raises an ExchangeError; Unavailable with ``outcome_unknown`` means: ask again with the same
    idempotency key.
    """

    def __init__(self, remote: Peer) -> None:
        self._remote = remote
        self._appends = Lane[AppendRequest, Appended](remote, alone="/append", together="/append-many", reply=Appended)
        self._resolutions = Lane[ResolveChild, ResolvedChild](
            remote, alone="/resolve-child", together="/resolve-children", reply=ResolvedChild
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._resolutions.close()
        await self._appends.close()

    async def append(self, request: AppendRequest) -> Appended:
        """Append an entry; durable when this returns. A repeat returns the original answer's bytes.

        Raises Conflict ``version-conflict`` (resolve and decide again), Conflict ``idempotency-key-reused``,
        NotPermitted ``nonce-replayed``, ``key-revoked`` or ``caller-not-permitted``, InvalidInput, Unavailable.
        """
        return await self._appends.carry(request)

    async def resolve_child(self, request: ResolveChild) -> ResolvedChild:
        """Return who these identifiers name, with the version and roles to decide on."""
        return await self._resolutions.carry(request)

    async def admit_read(self, request: AdmitRead) -> None:
        """Use up the nonce of a signed request that changes nothing. Raises NotPermitted ``nonce-replayed``."""
        await self._remote.call("/admit-read", request, bool)

    async def entries(self, *, after: int, limit: int = PAGE_LIMIT, registry_only: bool = False) -> EntriesPage:
        """Return the entries after a position (-1 for all), in order, at most ``limit``."""
        path = "/registry-entries" if registry_only else "/entries"
        return await self._remote.call(path, {"after": after, "limit": limit}, EntriesPage)

    async def stream(self, *, after: int, registry_only: bool = False) -> AsyncIterator[Entry]:
        """Yield every entry after a position, in order, up to the ledger's end at the time of asking."""
        async for stored in self.stored(after=after, registry_only=registry_only):
            yield parse_entry(stored.leaf)

    async def stored(self, *, after: int, registry_only: bool = False) -> AsyncIterator[StoredEntry]:
        """Yield the same as ``stream``, as the bytes that are hashed."""
        while True:
            page = await self.entries(after=after, registry_only=registry_only)
            for stored in page.entries:
                yield stored
                after = stored.position
            if len(page.entries) < PAGE_LIMIT:
                return

    async def stewardship(self) -> Stewardship:
        """Return the holds in force, the open proposals, and what has been erased."""
        state, after = Stewardship(), -1
        while True:
            query = {"after": after, "limit": PAGE_LIMIT}
            page = await self._remote.call("/stewardship-entries", query, EntriesPage)
            for stored in page.entries:
                state = state.with_entry(parse_entry(stored.leaf))
                after = stored.position
            if len(page.entries) < PAGE_LIMIT:
                return state

    async def subscribe(self, *, after: int) -> AsyncIterator[Entry]:
        """Yield every entry after a position, in order and without a gap, then each new one as it comes. Never ends.

        Holds one page at a time. A ledger that restarts, or another that takes over at this address, is waited for:
        it goes on after the last entry yielded. To resume later, remember that entry's position together with what
        was made of it. Raises IntegrityFailure when the ledger's own positions leave a gap.
        """
        while True:
            try:
                page = await self.entries(after=after)
                if not page.entries:
                    await self._remote.call("/wait", WaitForEntry(after, WAIT_S), int)
            except Unavailable:
                await asyncio.sleep(RETRY_AFTER_S)
                continue
            for stored in page.entries:
                if stored.position != after + 1:
                    raise IntegrityFailure(f"the ledger gave entry {stored.position} where {after + 1} should come")
                yield parse_entry(stored.leaf)
                after = stored.position

    async def entry_status(self, entry_id: EntryId) -> EntryStatus:
        """Return an entry, its original answer and what is owed because of it. Raises NotFound."""
        return await self._remote.call("/entry-status", {"entry_id": entry_id}, EntryStatus)

    async def knows_child(self, child: ChildRef) -> bool:
        """Return whether anything was ever recorded about a child, erased or not."""
        return await self._remote.call("/child-known", ChildKnownQuery(child), bool)

    async def record_history(self, entry_id: EntryId) -> RecordHistory:
        """Return what followed from the record that an entry is, amends or was caused by. Raises NotFound."""
        return await self._remote.call("/record-history", RecordHistoryQuery(entry_id), RecordHistory)

    async def obligation(self, obligation_id: ObligationId) -> ObligationState:
        """Return the state of one obligation. Raises NotFound."""
        return await self._remote.call("/obligation", ObligationQuery(obligation_id), ObligationState)

    async def owed(self, query: OwedQuery) -> OwedPage:
        """Return obligations that are not yet received."""
        return await self._remote.call("/owed", query, OwedPage)

    async def queue(self, query: OwedQuery) -> OwedPage:
        """Return what stands in the human queues: addressed to one, or that no channel could carry."""
        return await self._remote.call("/queue", query, OwedPage)

    async def overdue_reviews(self, query: OverdueReviewsQuery) -> OverdueReviewsPage:
        """Return withholdings found past their day of review, and not reviewed since."""
        return await self._remote.call("/overdue-reviews", query, OverdueReviewsPage)

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        """Return who knew what about a child at a moment; of a child nobody spoke of, that nothing was known."""
        return await self._remote.call("/who-knew", query, WhoKnew)

    async def chronology(self, request: ReadChronology) -> Chronology:
        """Return a page of a child's chronology for the agency that signed; the look is durable before this returns.

        Raises NotFound to who has no part in the child's case, as for a child that is not there; NotPermitted when the
        signature proves nothing or was used before.
        """
        return await self._remote.call("/chronology", request, Chronology)

    async def find_child(self, request: FindChild) -> ChildFound:
        """Return the child that identifiers name, if the agency that signed has a part in its case; on the record.

        Takes as long, and answers the same, whether nobody is known or nobody to that agency.
        """
        return await self._remote.call("/find-child", request, ChildFound)

    async def break_glass(self, request: BreakGlass) -> GlassBroken:
        """Open one sealed section for an auditor; who, what and why is durable in the ledger before this returns.

        Raises NotFound when the section never was or has been erased, NotPermitted when who signed is no auditor.
        """
        return await self._remote.call("/break-glass", request, GlassBroken)

    async def open_signatures(self, request: OpenSignatures) -> SignaturesPage:
        """Open signature sections for an audit run; the run's one opening is durable before this returns."""
        return await self._remote.call("/open-signatures", request, SignaturesPage)

    async def open_section(self, request: OpenSection) -> OpenedSection:
        """Open one sealed section; the opening is on the record before this returns.

        Raises NotFound when the section never was, or has been erased.
        """
        return await self._remote.call("/open-section", request, OpenedSection)

    async def tree_head(self) -> TreeHead:
        """Return the latest released checkpoint."""
        return await self._remote.call("/tree-head", {}, TreeHead)

    async def encryption_keys(self) -> EncryptionKeys:
        """Return the key-encryption keys, and how many data keys are wrapped under each."""
        return await self._remote.call("/encryption-keys", {}, EncryptionKeys)

    async def rotate_encryption_key(self, *, by: str) -> RotatedEncryptionKey:
        """Wrap what is new under a new key-encryption key from now on; on record, with whose account, on return."""
        return await self._remote.call("/rotate-encryption-key", RotateEncryptionKey(by), RotatedEncryptionKey)

    async def rewrap_data_keys(self, request: RewrapDataKeys) -> RewrappedDataKeys:
        """Wrap the next data keys under the current key. Repeat until ``after`` is None; safe to begin again."""
        return await self._remote.call("/rewrap-data-keys", request, RewrappedDataKeys)

    async def destroy_encryption_key(self, kek_id: str, *, by: str) -> Position:
        """Destroy a key for good, and record it. Raises Conflict ``encryption-key-in-use``, NotFound."""
        return Position(await self._remote.call("/destroy-encryption-key", DestroyEncryptionKey(kek_id, by), int))

    async def standing(self) -> LedgerStanding:
        """Return what the process at this address is. A standby answers nothing else."""
        return await self._remote.call("/standing", {}, LedgerStanding)

    async def tile(self, path: str) -> bytes:
        """Return a published file, unverified: ``checkpoint``, a tile or an entry bundle (C2SP tlog-tiles).

        Raises NotFound when nothing is published there, InvalidInput for a path that no log has.
        """
        return await self._remote.call("/tile", TileQuery(path), bytes)

    async def last_position(self) -> Position:
        """Return the position of the latest entry that has been released."""
        head = await self.tree_head()
        return Position(head.size - 1)
