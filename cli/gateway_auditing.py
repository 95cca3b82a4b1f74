"""The ledger as a gateway shows it to an auditor who signs for each request (``/v1/audit/…``)."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol, TypeVar

import msgspec

from cli.break_glass import Glass
from client.answer import Answer
from client.errors import Refused
from services.ledger.audit.damage import damaged
from shared.canonical_json import Json
from shared.entries import Entry, parse_entry
from shared.errors import InvalidInput, NotFound
from shared.identifiers import EntryId, Position
from shared.ledger.audit_messages import OpenSignatures, SignaturesPage, WhoKnew, WhoKnewQuery
from shared.ledger.messages import StoredEntry

PAGE_LIMIT = 1000
"""The most that a gateway gives at once."""

NOT_FOUND = 404

Said = TypeVar("Said")


class _Opened(msgspec.Struct, frozen=True):
    salt_base64: bytes
    content_base64: bytes


class SignedAsking(Protocol):
    """Asks a gateway in signed requests, as ``ExchangeClient`` does, which says what each raises."""

    async def get(self, path: str) -> Answer:
        """Return what stands at a path, with its query."""
        ...

    async def post(self, path: str, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        """Post a record."""
        ...


class GatewayAuditing:
    """Implements AuditedLedger over an auditor's signed requests. What goes into a URL is a reference, never a name."""

    def __init__(self, client: SignedAsking) -> None:
        self._client = client

    async def stored(self, *, after: int) -> AsyncIterator[StoredEntry]:
        """Yield every entry after a position: that each says to be the next, whoever reads it sees."""
        while leaves := await self._page("entries", after=after):
            for leaf in leaves:
                after += 1
                yield StoredEntry(Position(after), leaf)

    async def registry_entries(self) -> list[Entry]:
        """Return the entries that make the registry. Raises IntegrityFailure when they do not come in order."""
        entries, reached = list[Entry](), -1
        while leaves := await self._page("registry", after=reached):
            for leaf in leaves:
                entry = parse_entry(leaf)
                if entry.position <= reached:
                    raise damaged(f"among those of the registry, entry {entry.position} comes after entry {reached}")
                entries.append(entry)
                reached = entry.position
        return entries

    async def checkpoint(self) -> bytes:
        """Return the published checkpoint with its cosignatures."""
        return (await self._client.get("/v1/audit/checkpoint")).body

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        """Return who knew what."""
        return _read(await self._client.get(f"/v1/audit/children/{query.child}/who-knew?as_at={query.as_at}"), WhoKnew)

    async def open_section(self, entry: EntryId, section: str, *, why: Glass) -> bytes:
        """Return a sealed section's salt and plaintext, opened on the auditor's own signature."""
        record = {"entry": entry, "section": section, "reason": why.reason, "note": why.note}
        try:
            answer = await self._client.post(
                "/v1/audit/openings", record, idempotency_key=f"{why.run}-{entry}-{section}"
            )
        except Refused as refusal:
            if refusal.problem.status == NOT_FOUND:
                raise NotFound(refusal.problem.detail) from refusal
            raise
        opened = _read(answer, _Opened)
        return opened.salt_base64 + opened.content_base64

    async def open_signatures(self, asked: OpenSignatures) -> SignaturesPage:
        """Return a page of a run's signatures, of a log's beginning, opened on the auditor's own signature."""
        record: dict[str, Json] = {
            "run": asked.run,
            "size": asked.last_position + 1,
            "after": asked.after,
            "limit": asked.limit,
            "compared": "body" if asked.bodies else "none",
            "reason": asked.reason,
            "note": asked.note,
        }
        key = f"{asked.run}-{asked.after}"
        return _read(await self._client.post("/v1/audit/signatures", record, idempotency_key=key), SignaturesPage)

    async def _page(self, route: str, *, after: int) -> list[bytes]:
        return (await self._client.get(f"/v1/audit/{route}?after={after}&limit={PAGE_LIMIT}")).body.splitlines()


def _read(answer: Answer, shape: type[Said]) -> Said:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "the gateway's answer is not in a form that this version reads", remedy="Use the exchange's version."
        ) from error
