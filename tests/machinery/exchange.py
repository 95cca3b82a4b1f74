"""A whole exchange for tests: the real processes, with agencies that have keys and authorities that take pushes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from cli.audit import audit_ledger
from cli.operator import Operator
from cli.parties import DARLINGTON, EVERYBODY, NURSERY, PRACTICE, SCHOOL, Parties, Party
from client.exchange_client import ExchangeClient
from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import environment_of_its_own, layout_of_its_own
from deploy.local.loopback_port import free_port
from services.ledger.audit.findings import Report
from shared.clock import SystemClock
from shared.entries import Entry
from shared.ledger.client import LedgerClient
from shared.ledger.messages import ObligationState, OwedQuery
from shared.notifier import NotificationQuery, NotificationView, NotifierClient
from shared.process.address import UnixAddress
from shared.process.remote import Remote
from shared.reference.authorities import load_register

PATIENCE_S = 60.0
AS_MANY_AS_A_TEST_LIKES = "1000000"
DANGERS_PER_MINUTE = 3

Found = TypeVar("Found")

__all__ = ["DARLINGTON", "NURSERY", "PRACTICE", "SCHOOL"]


@dataclass(frozen=True, slots=True)
class TestExchange:
    """A running exchange and its parties."""

    __test__ = False

    local: LocalExchange
    parties: Parties

    @asynccontextmanager
    async def client(self, party: Party = SCHOOL) -> AsyncIterator[ExchangeClient]:
        """Give a client that signs as a party."""
        async with self.parties.client(party) as client:
            yield client

    @asynccontextmanager
    async def ledger(self, caller: str = "operator") -> AsyncIterator[LedgerClient]:
        """Give a client of the ledger that comes in by a caller's door."""
        client = self.local.ledger_client(caller)
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Operator]:
        """Give the operator."""
        async with self.ledger() as client:
            yield Operator(client, register=load_register(), clock=SystemClock())

    async def entries(self) -> list[Entry]:
        """Return the whole ledger."""
        async with self.ledger("auditor") as client:
            return [entry async for entry in client.stream(after=-1)]

    async def notifications(self, query: NotificationQuery | None = None) -> list[NotificationView]:
        """Return what the notifier has."""
        address = UnixAddress(self.local.sockets / "notifier-operator.sock")
        client = NotifierClient(Remote(address, timeout_s=10))
        try:
            return await client.notifications(query or NotificationQuery())
        finally:
            await client.close()

    async def owed_to_people_and_systems(self) -> list[ObligationState]:
        """Return what is owed and stands in no human queue: neither is it for one, nor was there no other channel."""
        async with self.ledger() as client:
            owed = (await client.owed(OwedQuery(limit=1000))).obligations
        return [each for each in owed if not each.queued]

    async def all_signed_for(self) -> None:
        """Wait until everything that a system takes has been signed for."""

        async def none_owed() -> bool | None:
            return None if await self.owed_to_people_and_systems() else True

        assert await patiently(none_owed), "something is still owed"

    async def audit(self) -> Report:
        """Return what a full check finds."""
        return await audit_ledger(self.local)


async def patiently(look: Callable[[], Awaitable[Found | None]], *, patience_s: float = PATIENCE_S) -> Found | None:
    """Look again and again until there is something to see."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        found = await look()
        if found is not None or asyncio.get_running_loop().time() > deadline:
            return found
        await asyncio.sleep(0.1)


@asynccontextmanager
async def running_exchange(broker: str = "embedded", **settings: str) -> AsyncIterator[TestExchange]:
    """Give an exchange of its own, with everybody registered; delete it afterwards."""
    layout = layout_of_its_own("exchange-test-")
    environment = {name: value for name, value in environment_of_its_own().items() if name != "DATABASE_URL"}
    local = LocalExchange(
        layout,
        announce=lambda _text: None,
        environment={**environment, "BROKER": broker},
        options=Options(
            port=free_port(),
            settings={
                "NOTIFIER_PUSH_RETRY_MOST_S": "2",
                "GATEWAY_REQUESTS_PER_MINUTE": AS_MANY_AS_A_TEST_LIKES,
                "GATEWAY_READS_PER_MINUTE": AS_MANY_AS_A_TEST_LIKES,
                "GATEWAY_IMMEDIATE_DANGER_PER_MINUTE": str(DANGERS_PER_MINUTE),
                **settings,
            },
        ),
    )
    parties = Parties(local, first_port=free_port(in_a_row=len(EVERYBODY)), clock=SystemClock())
    try:
        async with local:
            await parties.start_receivers()
            exchange = TestExchange(local, parties)
            async with exchange.operator() as operator:
                await parties.register(operator)
            yield exchange
    finally:
        local.destroy()
