"""The notifier's intake over a real database, and a consumer in memory, for tests that feed them by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.migrate import ROLES, migrate
from services.notifier.adapters.postgres_facts import PostgresFacts
from services.notifier.adapters.postgres_intake import Intake
from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.append_facts import FactAppender
from services.notifier.facts import FactMaker
from services.notifier.ports import RECONCILED, Road
from services.notifier.reconcile import Reconciler
from services.notifier.take_in import EntryTaker
from services.notifier.withholding_facts import WithholdingFacts
from shared.entries import Entry, RoleFact, Subject, encode_entry
from shared.identifiers import AuthorityCode, ChildRef, EntryId
from shared.ledger.messages import AppendRequest, EntriesPage
from shared.reference.authorities import load_register
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeClock, FakeLedger
from tests.machinery.postgres import Database

REGISTER = load_register()
TOPIC = "exchange.entries"


@dataclass
class IntakeParts:
    """What takes entries in, and where they come from."""

    engine: AsyncEngine
    store: PostgresStore
    ledger: FakeLedger
    clock: FakeClock
    taker: EntryTaker
    reconciler: Reconciler

    def report(self, authority: str, *, child: str = "c", role: str = "living_at") -> Entry:
        """Put a report of where a child is into the ledger."""
        subject = Subject(ChildRef(child), len(self.ledger.stored) + 1, (RoleFact(role, AuthorityCode(authority)),))
        return self.ledger.add(EntryType.WHEREABOUTS_REPORTED, subjects=(subject,), facts={"permanence": "permanent"})

    async def take_in(self, *entries: Entry) -> None:
        """Take entries in one after the other, each in a transaction of its own."""
        for entry in entries:
            async with self.store.intake() as intake:
                await self.taker.take_in(entry, road=RECONCILED, intake=intake)

    def new_reconciler(self) -> Reconciler:
        """Return a reconciler as a process has one that was started now."""
        return Reconciler(
            store=self.store, ledger=self.ledger, taker=self.taker, clock=self.clock, interval_s=30, caught_up=None
        )

    def count_calls(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
        """Return a list that from now on gets what the ledger is asked for: after which position, and how many."""
        calls: list[tuple[int, int]] = []
        ask = self.ledger.entries

        async def counted(*, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
            calls.append((after, limit))
            return await ask(after=after, limit=limit, registry_only=registry_only)

        monkeypatch.setattr(self.ledger, "entries", counted)
        return calls

    async def states(self) -> list[str]:
        """Return on which rung each notification stands."""
        return [each.state for each in await self.store.notifications()]

    async def said(self) -> list[AppendRequest]:
        """Have all facts appended, and return what the ledger got."""
        await FactAppender(facts=PostgresFacts(self.engine), ledger=self.ledger, clock=self.clock).append_open()
        return list(self.ledger.appended.values())

    async def moves(self) -> list[AppendRequest]:
        """Return the moves that were said."""
        return [each for each in await self.said() if each.type is EntryType.CHILD_MOVE_SUSPECTED]

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query finds."""
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]

    async def somebody_waits(self) -> None:
        """Return once a transaction waits for another; after two seconds even if none does."""
        for _ in range(100):
            if await self.rows("SELECT 1 FROM pg_locks WHERE NOT granted"):
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def intake_on(database: Database) -> AsyncIterator[IntakeParts]:
    """Give an intake over an empty database, brought up to date."""
    await migrate(database.superuser_dsn, passwords=dict.fromkeys(ROLES, "a-password-for-the-tests-only"))
    engine = create_async_engine(database.sqlalchemy_url)
    store, ledger, clock = PostgresStore(engine), FakeLedger(), FakeClock()
    ids = iter(range(100_000))

    def new_entry_id() -> EntryId:
        return EntryId(f"{next(ids):032x}")

    taker = EntryTaker(
        facts=FactMaker(register=REGISTER, new_entry_id=new_entry_id),
        withholdings=WithholdingFacts(new_entry_id=new_entry_id, nation_of=lambda _: "England"),
        register=REGISTER,
        clock=clock,
    )
    reconciler = Reconciler(store=store, ledger=ledger, taker=taker, clock=clock, interval_s=30, caught_up=None)
    yield IntakeParts(engine, store, ledger, clock, taker, reconciler)
    await engine.dispose()


def refuse(monkeypatch: pytest.MonkeyPatch, parts: IntakeParts, faults: Mapping[int, Exception]) -> None:
    """Have some positions not taken in, by raising after all has been done for them."""
    take_in = parts.taker.take_in

    async def refusing(entry: Entry, *, road: Road, intake: Intake) -> bool:
        taken = await take_in(entry, road=road, intake=intake)
        if entry.position in faults:
            raise faults[entry.position]
        return taken

    monkeypatch.setattr(parts.taker, "take_in", refusing)


@dataclass
class FakeConsumer:
    """A consumer in memory of one partition. ``stopping`` runs when it is stopped, and may raise."""

    records: list[ConsumerRecord]
    committed: list[int]
    stopping: Callable[[], None] = lambda: None
    read: int = field(default=0)

    def subscribe(self, topics: Sequence[str], listener: object) -> None:
        self.read = self.committed[-1] if self.committed else 0

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        self.stopping()

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        batch = self.records[self.read : self.read + max_records]
        self.read += len(batch)
        if not batch:
            await asyncio.sleep(0.01)
        return {PARTITION: batch} if batch else {}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.committed.append(offsets[PARTITION])

    def assignment(self) -> set[TopicPartition]:
        return {PARTITION}

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return {PARTITION: len(self.records)}

    async def position(self, partition: TopicPartition) -> int:
        return self.read


PARTITION = TopicPartition(TOPIC, 0)


def record(offset: int, value: bytes | None, headers: Mapping[str, str]) -> ConsumerRecord:
    """Return a record as a consumer gives it."""
    raw = [(name, text.encode()) for name, text in headers.items()]
    return ConsumerRecord(TOPIC, 0, offset, 0, 0, None, value, None, 0, len(value or b""), raw)


def relayed(offset: int, entry: Entry, *, origin: str = "test/log", previous: int = -1) -> ConsumerRecord:
    """Return an entry's record as the relay writes it."""
    headers = {"position": str(entry.position), "previous": str(previous), "origin": origin}
    return record(offset, encode_entry(entry), headers)
