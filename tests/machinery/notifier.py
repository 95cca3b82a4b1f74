"""The notifier's parts over a real database, before a ledger and a recipient that are fakes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.migrate import ROLES, migrate
from services.notifier.adapters.postgres_channels import PostgresChannels
from services.notifier.adapters.postgres_facts import PostgresFacts
from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.adapters.postgres_turns import PostgresTurns
from services.notifier.append_facts import FactAppender
from services.notifier.deliver import Deliverer, Persistence
from services.notifier.facts import FactMaker
from services.notifier.make_event import EventMaker
from services.notifier.ports import RECONCILED, Road
from services.notifier.reconcile import Reconciler
from services.notifier.take_in import EntryTaker
from services.notifier.watch_channels import ChannelWatcher
from services.notifier.watch_clock import ClockWatcher
from services.notifier.withholding_facts import WithholdingFacts
from shared.entries import Entry
from shared.identifiers import EntryId, Recipient
from shared.ledger.registry import EndpointFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.reference.authorities import load_register
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeClock, FakeLedger, FakePush
from tests.machinery.postgres import Database

REGISTER = load_register()
KEY = generate_signing_key().public


@dataclass
class Notifier:
    """The notifier's parts, driven by hand."""

    store: PostgresStore
    ledger: FakeLedger
    push: FakePush
    clock: FakeClock
    taker: EntryTaker
    deliverer: Deliverer
    channels: ChannelWatcher
    appender: FactAppender
    watcher: ClockWatcher
    reconciler: Reconciler
    registry: RegistryCopy
    engine: AsyncEngine

    def register(self, recipient: str, *, host: str | None = None) -> None:
        """Have a recipient take pushes, at a host of its own if none is named, from when the registry is read again."""
        name = recipient.replace(":", "-").lower()
        url = f"http://{host or name}.example/{name}"
        endpoint = EndpointFacts(name, Recipient(recipient), url, KEY.thumbprint, KEY.jwk())
        self.ledger.add(EntryType.ENDPOINT_REGISTERED, facts=msgspec.to_builtins(endpoint))

    async def take_in(self, entry: Entry, road: Road = RECONCILED) -> None:
        async with self.store.intake() as intake:
            await self.taker.take_in(entry, road=road, intake=intake)

    async def state_of(self, entry: Entry) -> str:
        """Return how far an entry's first notification has come."""
        return (await self.store.notifications(entry=entry.id))[0].state

    async def states(self) -> list[str]:
        return [each.state for each in await self.store.notifications()]

    async def said(self) -> list[str]:
        """Have all facts appended, and return the types of what the ledger got."""
        await self.appender.append_open()
        return [request.type.value for request in self.ledger.appended.values()]


@asynccontextmanager
async def notifier_over(database: Database) -> AsyncIterator[Notifier]:
    """Give the parts over an empty database, brought up to date, with one authority that takes pushes."""
    await migrate(database.superuser_dsn, passwords=dict.fromkeys(ROLES, "a-password-for-the-tests-only"))
    engine = create_async_engine(database.sqlalchemy_url)
    store, ledger, push, clock = PostgresStore(engine), FakeLedger(), FakePush(), FakeClock()
    ids = iter(range(10_000))
    facts = FactMaker(register=REGISTER, new_entry_id=lambda: EntryId(f"{next(ids):032x}"))
    registry = RegistryCopy(ledger)
    ledger.add(EntryType.LEDGER_OPENED, facts={"origin": "test/log", "format": "x", "vkey": "x"})
    withholdings = WithholdingFacts(new_entry_id=lambda: EntryId(f"{next(ids):032x}"), nation_of=lambda _: "England")
    taker = EntryTaker(facts=facts, withholdings=withholdings, register=REGISTER, clock=clock)
    turns = PostgresTurns(engine)
    deliverer = Deliverer(
        turns=turns,
        events=EventMaker(ledger=ledger, registry=registry),
        push=push,
        registry=registry,
        facts=facts,
        clock=clock,
        persistence=Persistence(1.0, 60.0, 5.0),
        jitter=lambda: 0.0,
    )
    notifier = Notifier(
        store,
        ledger,
        push,
        clock,
        taker,
        deliverer,
        ChannelWatcher(waiting=PostgresChannels(engine), registry=registry, facts=facts, clock=clock),
        FactAppender(facts=PostgresFacts(engine), ledger=ledger, clock=clock),
        ClockWatcher(silence=PostgresSilence(engine), facts=facts, clock=clock),
        Reconciler(store=store, ledger=ledger, taker=taker, clock=clock, interval_s=30, caught_up=None),
        registry,
        engine,
    )
    notifier.register("authority:E06000005")
    await registry.refresh()
    yield notifier
    await engine.dispose()
