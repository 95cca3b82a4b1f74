"""The ledger as an auditor asks it: by its own door, or from afar at a gateway. Every question goes either way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer

from cli import reach
from cli.break_glass import Glass
from cli.gateway_auditing import GatewayAuditing
from client.exchange_client import ExchangeClient
from client.files import private_key
from services.ledger.audit.damage import damaged
from shared.entries import Entry, parse_entry
from shared.errors import InvalidInput
from shared.identifiers import EntryId
from shared.ledger.audit_messages import BreakGlass, OpenSignatures, SignaturesPage, WhoKnew, WhoKnewQuery
from shared.ledger.client import LedgerClient
from shared.ledger.messages import StoredEntry

GatewayUrl = Annotated[
    str | None, typer.Option("--url", help="Ask a gateway, as an auditor with --key; default: the ledger itself")
]
AuditorKey = Annotated[Path | None, typer.Option("--key", help="An auditor's private key (PEM), for --url")]


class AuditedLedger(Protocol):
    """What an auditor asks of a ledger. Every method raises an ExchangeError."""

    def stored(self, *, after: int) -> AsyncIterator[StoredEntry]:
        """Yield every entry after a position, in order, as the bytes that are hashed. Holds one page at a time."""
        ...

    async def registry_entries(self) -> list[Entry]:
        """Return the entries that make the registry of agencies, keys and endpoints, in order."""
        ...

    async def checkpoint(self) -> bytes:
        """Return the latest signed checkpoint, unverified."""
        ...

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        """Return who knew what about a child at a moment."""
        ...

    async def open_section(self, entry: EntryId, section: str, *, why: Glass) -> bytes:
        """Return a sealed section's salt and plaintext, once the opening is an entry. Raises NotFound when erased."""
        ...

    async def open_signatures(self, asked: OpenSignatures) -> SignaturesPage:
        """Return a page of a run's signatures, once the run is an entry."""
        ...


class DoorAuditing:
    """Implements AuditedLedger by the ledger's own door for auditors."""

    def __init__(self, client: LedgerClient) -> None:
        self._client = client

    def stored(self, *, after: int) -> AsyncIterator[StoredEntry]:
        """Yield every entry after a position."""
        return self._client.stored(after=after)

    async def registry_entries(self) -> list[Entry]:
        """Return the entries that make the registry."""
        return [each async for each in self._client.stream(after=-1, registry_only=True)]

    async def checkpoint(self) -> bytes:
        """Return the latest checkpoint that the ledger released; it may be published a moment later."""
        return (await self._client.tree_head()).checkpoint

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        """Return who knew what."""
        return await self._client.who_knew(query)

    async def open_section(self, entry: EntryId, section: str, *, why: Glass) -> bytes:
        """Return a sealed section's salt and plaintext, opened on the word of the account that ``why`` names."""
        broken = await self._client.break_glass(
            BreakGlass(entry, section, why.reason, why.note, why.run, by=why.by or None)
        )
        return broken.salt + broken.content

    async def open_signatures(self, asked: OpenSignatures) -> SignaturesPage:
        """Return a page of a run's signatures."""
        return await self._client.open_signatures(asked)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that is asked from afar, and the auditor's key that signs for it."""

    url: str
    key: Path


def named_gateway(url: str | None, key: Path | None) -> Gateway | None:
    """Return the gateway that options name, None when they name none. Raises InvalidInput for half of one."""
    if url == "":
        raise InvalidInput("the --url is empty")
    if (url is None) != (key is None):
        raise InvalidInput(
            "a gateway is asked in signed requests" if key is None else "an auditor's key signs requests to a gateway",
            remedy="Give --key too, an auditor's private key." if key is None else "Give the gateway's --url too.",
        )
    return Gateway(url, key) if url is not None and key is not None else None


@asynccontextmanager
async def audited_ledger(gateway: Gateway | None) -> AsyncIterator[AuditedLedger]:
    """Give the ledger behind a gateway, or the one that is reached by its own door."""
    if gateway is None:
        async with reach.ledger("auditor") as client:
            yield DoorAuditing(client)
    else:
        async with ExchangeClient(gateway.url, key=private_key(gateway.key)) as asking:
            yield GatewayAuditing(asking)


async def entries_of(ledger: AuditedLedger, *, after: int = -1) -> AsyncIterator[Entry]:
    """Yield every entry after a position. Raises IntegrityFailure where one is left out, or stands elsewhere."""
    async for _, entry in stored_entries_of(ledger, after=after):
        yield entry


async def stored_entries_of(ledger: AuditedLedger, *, after: int = -1) -> AsyncIterator[tuple[StoredEntry, Entry]]:
    """Yield every entry after a position, each with the bytes that are hashed. Raises as ``entries_of`` does."""
    async for stored in ledger.stored(after=after):
        entry, after = parse_entry(stored.leaf), after + 1
        if entry.position != after:
            raise damaged(f"where entry {after} should stand is entry {entry.position}")
        yield stored, entry
