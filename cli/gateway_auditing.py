"""The ledger as a gateway shows it to an auditor who signs for each request (``/v1/audit/…``)."""

from collections.abc import AsyncIterator

import msgspec

from client.exchange_client import ExchangeClient
from services.ledger.audit.damage import damaged
from shared.entries import parse_entry
from shared.errors import InvalidInput
from shared.identifiers import Position
from shared.ledger.audit_messages import WhoKnew, WhoKnewQuery
from shared.ledger.messages import StoredEntry
from shared.ledger.registry import Registry

PAGE_LIMIT = 1000
"""The most that a gateway gives at once."""


class GatewayAuditing:
    """Implements AuditedLedger over an auditor's signed requests. What goes into a URL is a reference, never a name."""

    def __init__(self, client: ExchangeClient) -> None:
        self._client = client

    async def stored(self, *, after: int) -> AsyncIterator[StoredEntry]:
        """Yield every entry after a position: that each says to be the next, whoever reads it sees."""
        while leaves := await self._page("entries", after=after):
            for leaf in leaves:
                after += 1
                yield StoredEntry(Position(after), leaf)

    async def registry(self) -> Registry:
        """Return the registry of agencies. Raises IntegrityFailure when its entries do not come in order."""
        registry = Registry()
        while leaves := await self._page("registry", after=registry.position):
            reached, registry = registry.position, registry.with_entries(map(parse_entry, leaves))
            if registry.position <= reached:
                raise damaged(f"the registry's entries after {reached} do not come in order")
        return registry

    async def checkpoint(self) -> bytes:
        """Return the published checkpoint with its cosignatures."""
        return (await self._client.get("/v1/audit/checkpoint")).body

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        """Return who knew what."""
        answer = await self._client.get(f"/v1/audit/children/{query.child}/who-knew?as_at={query.as_at}")
        try:
            return msgspec.json.decode(answer.body, type=WhoKnew)
        except msgspec.MsgspecError as error:
            raise InvalidInput(
                "the gateway's answer is not in a form that this version reads", remedy="Use the exchange's version."
            ) from error

    async def _page(self, route: str, *, after: int) -> list[bytes]:
        return (await self._client.get(f"/v1/audit/{route}?after={after}&limit={PAGE_LIMIT}")).body.splitlines()
