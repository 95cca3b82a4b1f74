"""The ledger's doors: MessagePack in, MessagePack out, each path open only to the callers it is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.append_entries import Queue
from services.ledger.domain.callers import check_append, check_call
from services.ledger.domain.sequencing import NonceReplayed
from services.ledger.open_section import SectionOpener
from services.ledger.prepare_append import AppendPreparer, identifier_tokens, nonce_token
from services.ledger.term import Writer
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput, NotFound, Unavailable
from shared.identifiers import EntryId
from shared.ledger.messages import (
    AdmitRead,
    AppendRequest,
    EntriesPage,
    EntryStatus,
    ObligationQuery,
    OpenSection,
    OwedQuery,
    ResolveChild,
    TreeHead,
)
from shared.process.remote import MEDIA_TYPE, failure_of

LARGEST_MESSAGE_BYTES = 2 * 1024 * 1024
LARGEST_PAGE = 1000

log = structlog.get_logger()

Message = TypeVar("Message")


class EntriesQuery(msgspec.Struct, frozen=True):
    """Asks for entries after a position."""

    after: int
    limit: int = 500


class EntryQuery(msgspec.Struct, frozen=True):
    """Asks for one entry."""

    entry_id: EntryId


class HeadQuery(msgspec.Struct, frozen=True):
    """Asks for the latest checkpoint."""


@dataclass(frozen=True, slots=True)
class LedgerParts:
    """What the doors lead to."""

    reader: PostgresReader
    preparer: AppendPreparer
    queue: Queue
    opener: SectionOpener
    writer: Writer
    blind_index_key: bytes


class LedgerApp:
    """An ASGI application over the ledger's parts. ``scope['caller']`` says by which door a request came."""

    def __init__(self, parts: LedgerParts) -> None:
        self._parts = parts
        self._routes: dict[str, Callable[[bytes, str], Awaitable[object]]] = {
            "/append": self._append,
            "/resolve-child": self._resolve_child,
            "/admit-read": self._admit_read,
            "/entries": self._entries,
            "/registry-entries": self._registry_entries,
            "/entry-status": self._entry_status,
            "/obligation": self._obligation,
            "/owed": self._owed,
            "/queue": self._queue,
            "/open-section": self._open_section,
            "/tree-head": self._tree_head,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call: 200 and the reply, or an error's status and a Failure."""
        if scope["type"] != "http":
            return
        try:
            reply: object = await self._answer(scope, await _body(receive))
            status = 200
        except ExchangeError as error:
            reply, status = failure_of(error), _status_of(error)
        except Exception as error:
            # The last resort, so that a fault of ours is an answer and never a traceback with content in it.
            log.error("ledger_call_failed", path=scope["path"], kind=type(error).__name__)
            reply, status = failure_of(Unavailable("the ledger failed", outcome_unknown=True)), 500
        body = msgspec.msgpack.encode(reply)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", MEDIA_TYPE.encode()),
                    (b"content-length", str(len(body)).encode()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, body: bytes) -> object:
        path, caller = scope["path"], scope["caller"]
        route = self._routes.get(path)
        if route is None:
            raise NotFound("the ledger has no such call")
        check_call(path, caller=caller)
        return await route(body, caller)

    async def _append(self, body: bytes, caller: str) -> object:
        request = _decode(body, AppendRequest)
        check_append(request, caller=caller)
        return await self._parts.queue.submit(await self._parts.preparer.prepare(request))

    async def _resolve_child(self, body: bytes, _caller: str) -> object:
        asked = _decode(body, ResolveChild)
        tokens = identifier_tokens(asked.identifiers, index_key=self._parts.blind_index_key)
        return await self._parts.reader.resolve(
            identifying=[each.token for each in tokens if each.identifying], all_tokens=[each.token for each in tokens]
        )

    async def _admit_read(self, body: bytes, _caller: str) -> object:
        asked = _decode(body, AdmitRead)
        token = nonce_token(asked.key, asked.nonce, index_key=self._parts.blind_index_key)
        if token is None or not await self._parts.reader.use_nonce(token):
            raise NonceReplayed(
                "the nonce of this signature has been seen before", remedy="Sign each request anew, with a new nonce."
            )
        return True

    async def _entries(self, body: bytes, _caller: str) -> object:
        return await self._page(_decode(body, EntriesQuery), registry_only=False)

    async def _registry_entries(self, body: bytes, _caller: str) -> object:
        return await self._page(_decode(body, EntriesQuery), registry_only=True)

    async def _page(self, asked: EntriesQuery, *, registry_only: bool) -> EntriesPage:
        # The size is read first: the page then holds at least all that the size speaks of.
        head = self._parts.writer.released_head
        entries = await self._parts.reader.entries(
            after=asked.after, limit=max(1, min(asked.limit, LARGEST_PAGE)), registry_only=registry_only
        )
        return EntriesPage(entries, head.size if head is not None else 0)

    async def _entry_status(self, body: bytes, _caller: str) -> object:
        stored = await self._parts.reader.entry(_decode(body, EntryQuery).entry_id)
        return EntryStatus(
            stored.position,
            stored.leaf,
            await self._parts.reader.answer(stored.position),
            await self._parts.reader.obligations_of(stored.position),
        )

    async def _obligation(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.obligation(_decode(body, ObligationQuery).obligation_id)

    async def _owed(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.owed(_decode(body, OwedQuery))

    async def _queue(self, body: bytes, _caller: str) -> object:
        return await self._parts.reader.queue(_decode(body, OwedQuery))

    async def _open_section(self, body: bytes, caller: str) -> object:
        return await self._parts.opener.open(_decode(body, OpenSection), caller=caller)

    async def _tree_head(self, body: bytes, _caller: str) -> object:
        _decode(body, HeadQuery)
        head = self._parts.writer.released_head
        if head is None:
            raise Unavailable("the ledger has released no checkpoint yet")
        return TreeHead(head.size, head.checkpoint)


def _decode(body: bytes, kind: type[Message]) -> Message:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidInput("the message does not have the form that this call takes") from error


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unavailable("the caller went away")
        part = message.get("body", b"")
        size_bytes += len(part)
        if size_bytes > LARGEST_MESSAGE_BYTES:
            raise InvalidInput("the message is larger than 2 MiB")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _status_of(error: ExchangeError) -> int:
    # The category travels in the body; the status is for whoever reads an access log.
    return 500 if isinstance(error, IntegrityFailure) else 503 if isinstance(error, Unavailable) else 400
