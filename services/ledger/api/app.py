"""The ledger's doors: MessagePack in, MessagePack out, each path open only to the callers it is for."""

import asyncio

import msgspec
from starlette.types import ASGIApp

from services.ledger.api.parts import LedgerParts
from services.ledger.api.published_files import PublishedFilesApp
from services.ledger.api.several import outcome_of, several
from services.ledger.domain.amending import amended_by, check_amendment
from services.ledger.domain.approving import check_recovery
from services.ledger.domain.callers import check_append, check_call
from services.ledger.domain.sequencing import EncryptionKeyChanged, NonceReplayed
from services.ledger.domain.standing import Standing, check_answers
from services.ledger.ports import Head
from services.ledger.read_entry_status import read_entry_status
from services.ledger.read_history import read_history
from services.ledger.rotate_encryption_key import EncryptionKeyRotation
from shared.entries import parse_entry
from shared.errors import InvalidInput, NotFound, Unavailable
from shared.identifiers import EntryId
from shared.ledger.audit_messages import BreakGlass, OpenSignatures, WhoKnewQuery
from shared.ledger.key_messages import DestroyEncryptionKey, RewrapDataKeys, RotateEncryptionKey
from shared.ledger.messages import (
    AdmitRead,
    Appended,
    AppendRequest,
    ChildKnownQuery,
    EntriesPage,
    LedgerStanding,
    ObligationQuery,
    OpenSection,
    OwedQuery,
    StoredEntry,
    TileQuery,
    TreeHead,
    WaitForEntry,
)
from shared.ledger.reading_messages import FindChild, ReadChronology
from shared.ledger.record_history import RecordHistoryQuery
from shared.ledger.reviews import OverdueReviewsQuery
from shared.process.message_app import MessageApp, Route, answered, decode

LARGEST_PAGE = 1000
LONGEST_WAIT_S = 20.0


class EntriesQuery(msgspec.Struct, frozen=True):
    """Asks for entries after a position."""

    after: int
    limit: int = 500


class EntryQuery(msgspec.Struct, frozen=True):
    """Asks for one entry."""

    entry_id: EntryId


class Nothing(msgspec.Struct, frozen=True):
    """A call that takes nothing: its path says it all."""


class LedgerApi:
    """What each path leads to."""

    def __init__(self, parts: LedgerParts) -> None:
        self._parts = parts

    def routes(self) -> dict[str, Route]:
        """Return every path with what it leads to."""
        return {
            "/append": self._append,
            "/append-many": self._append_many,
            "/resolve-child": self._resolve_child,
            "/resolve-children": self._resolve_children,
            "/admit-read": self._admit_read,
            "/entries": self._entries,
            "/wait": self._wait,
            "/registry-entries": self._registry_entries,
            "/stewardship-entries": self._stewardship_entries,
            "/entry-status": self._entry_status,
            "/child-known": self._child_known,
            "/record-history": self._record_history,
            "/who-knew": self._who_knew,
            "/chronology": self._chronology,
            "/find-child": self._find_child,
            "/break-glass": self._break_glass,
            "/open-signatures": self._open_signatures,
            "/obligation": self._obligation,
            "/owed": self._owed,
            "/queue": self._queue,
            "/overdue-reviews": self._overdue_reviews,
            "/open-section": self._open_section,
            "/tree-head": self._tree_head,
            "/standing": self._standing,
            "/encryption-keys": self._encryption_keys,
            "/rotate-encryption-key": self._rotate_encryption_key,
            "/rewrap-data-keys": self._rewrap_data_keys,
            "/destroy-encryption-key": self._destroy_encryption_key,
            "/tile": self._tile,
        }

    async def _append(self, body: bytes, caller: str) -> Appended:
        request = decode(body, AppendRequest)
        check_append(request, caller=caller)
        check_recovery(request, may_recover=self._parts.may_recover)
        self._parts.own_keys.check(request)
        amended = amended_by(request)
        if amended is not None:
            check_amendment(request, parse_entry((await self._parts.reader.entry(amended)).leaf))
        try:
            return await self._parts.queue.submit(await self._parts.preparer.prepare(request))
        except EncryptionKeyChanged:
            # A rotation came between making it ready and deciding it. Once more, under the new key.
            return await self._parts.queue.submit(await self._parts.preparer.prepare(request))

    async def _append_many(self, body: bytes, caller: str) -> object:
        async def outcome(request: bytes) -> object:
            return await answered(lambda: self._append(request, caller), path="/append")

        outcomes = await asyncio.gather(*(outcome(request) for request in several(body)))
        return [outcome_of(each) for each in outcomes]

    async def _resolve_child(self, body: bytes, _caller: str) -> object:
        return await self._parts.children.resolve_one(body)

    async def _resolve_children(self, body: bytes, _caller: str) -> object:
        return await self._parts.children.resolve_several(body)

    async def _admit_read(self, body: bytes, _caller: str) -> object:
        asked = decode(body, AdmitRead)
        token = self._parts.blind_index.nonce_token(asked.key, asked.nonce)
        if token is None or not await self._parts.reader.use_nonce(token):
            raise NonceReplayed(
                "the nonce of this signature has been seen before", remedy="Sign each request anew, with a new nonce."
            )
        return True

    async def _entries(self, body: bytes, _caller: str) -> object:
        return await self._page(decode(body, EntriesQuery), registry_only=False)

    async def _wait(self, body: bytes, _caller: str) -> object:
        asked = decode(body, WaitForEntry)
        writer = self._parts.writer
        return await writer.releases.beyond(
            asked.after,
            within_s=max(0.0, min(asked.within_s, LONGEST_WAIT_S)),
            waits=lambda: writer.standing is Standing.WRITING,
        )

    async def _registry_entries(self, body: bytes, _caller: str) -> object:
        return await self._page(decode(body, EntriesQuery), registry_only=True)

    async def _stewardship_entries(self, body: bytes, _caller: str) -> object:
        asked = decode(body, EntriesQuery)
        head = self._parts.writer.released_head
        limit = max(1, min(asked.limit, LARGEST_PAGE))
        return self._page_of(await self._parts.reader.stewardship_entries(after=asked.after, limit=limit), head)

    async def _page(self, asked: EntriesQuery, *, registry_only: bool) -> EntriesPage:
        # The size is read first: the page then holds at least all that the size speaks of.
        head = self._parts.writer.released_head
        entries = await self._parts.reader.entries(
            after=asked.after, limit=max(1, min(asked.limit, LARGEST_PAGE)), registry_only=registry_only
        )
        return self._page_of(entries, head)

    def _page_of(self, entries: tuple[StoredEntry, ...], head: Head | None) -> EntriesPage:
        writing = self._parts.writer.standing is Standing.WRITING
        return EntriesPage(entries, head.size if head is not None else 0, writing)

    async def _entry_status(self, body: bytes, _caller: str) -> object:
        return await read_entry_status(self._parts.reader, self._parts.published, decode(body, EntryQuery).entry_id)

    async def _child_known(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.knows_child(decode(body, ChildKnownQuery).child)

    async def _record_history(self, body: bytes, _caller: str) -> object:
        return await read_history(self._parts.reader, self._parts.published, decode(body, RecordHistoryQuery).entry_id)

    async def _who_knew(self, body: bytes, _caller: str) -> object:
        return await self._parts.who_knew.answer(decode(body, WhoKnewQuery))

    async def _chronology(self, body: bytes, _caller: str) -> object:
        return await self._parts.reading.chronologies.read(decode(body, ReadChronology))

    async def _find_child(self, body: bytes, _caller: str) -> object:
        return await self._parts.reading.finder.find(decode(body, FindChild))

    async def _break_glass(self, body: bytes, caller: str) -> object:
        return await self._parts.breaker.open(decode(body, BreakGlass), caller=caller)

    async def _open_signatures(self, body: bytes, caller: str) -> object:
        return await self._parts.signatures.open(decode(body, OpenSignatures), caller=caller)

    async def _obligation(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.obligation(decode(body, ObligationQuery).obligation_id)

    async def _owed(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.owed(decode(body, OwedQuery))

    async def _queue(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.queue(decode(body, OwedQuery))

    async def _overdue_reviews(self, body: bytes, _caller: str) -> object:
        return await self._parts.reviews.overdue(decode(body, OverdueReviewsQuery))

    async def _open_section(self, body: bytes, caller: str) -> object:
        return await self._parts.opener.open(decode(body, OpenSection), caller=caller)

    async def _tree_head(self, body: bytes, _caller: str) -> object:
        decode(body, Nothing)
        head = self._parts.writer.released_head
        if head is None:
            raise Unavailable("the ledger has released no checkpoint yet")
        return TreeHead(head.size, head.checkpoint)

    async def _standing(self, body: bytes, _caller: str) -> object:
        decode(body, Nothing)
        head = self._parts.writer.released_head
        return LedgerStanding(self._parts.writer.standing.value, head.size if head is not None else 0)

    def _rotation(self) -> EncryptionKeyRotation:
        if self._parts.rotation is None:
            raise InvalidInput("LEDGER_REWRAPPER_PASSWORD_FILE is not set: this ledger rotates no encryption keys")
        return self._parts.rotation

    async def _encryption_keys(self, body: bytes, _caller: str) -> object:
        decode(body, Nothing)
        return await self._rotation().keys()

    async def _rotate_encryption_key(self, body: bytes, _caller: str) -> object:
        return await self._rotation().rotate(decode(body, RotateEncryptionKey))

    async def _rewrap_data_keys(self, body: bytes, _caller: str) -> object:
        return await self._rotation().rewrap(decode(body, RewrapDataKeys))

    async def _destroy_encryption_key(self, body: bytes, _caller: str) -> object:
        return await self._rotation().destroy(decode(body, DestroyEncryptionKey))

    async def _tile(self, body: bytes, _caller: str) -> object:
        return await self._parts.tiles.read(decode(body, TileQuery).path)


class NothingPublished:
    """Implements TileSource for a ledger that publishes no files."""

    async def read(self, _path: str) -> bytes:
        """Raise NotFound, whatever is asked for."""
        raise NotFound("this ledger publishes no files")


def make_app(parts: LedgerParts) -> ASGIApp:
    """Return the ledger's application: each path open only to the callers it is for, and only where the writer is."""

    def permit(path: str, caller: str) -> None:
        check_call(path, caller=caller)
        if path != "/standing":
            check_answers(parts.writer.standing)

    calls = MessageApp(LedgerApi(parts).routes(), permit=permit)
    return PublishedFilesApp(parts.tiles, otherwise=calls)
