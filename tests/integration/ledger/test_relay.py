"""Two ledgers' relays over one log: while one of them keeps up, the other has nothing to say again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count

import asyncpg
import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError

from deploy.migrate import ROLES, migrate
from services.ledger.adapters import kafka_relay
from services.ledger.adapters.kafka_relay import KafkaRelay, RelaySettings
from services.ledger.adapters.postgres_pool import postgres_pool
from shared.entries import Entry, encode_entry
from shared.identifiers import EntryId, Position
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType
from tests.machinery.broker import running_embedded_broker
from tests.machinery.exchange import patiently
from tests.machinery.postgres import Database

PASSWORD = "a-password-for-the-tests-only"


@dataclass(slots=True)
class Sent:
    """What a producer was given. It acknowledges at once."""

    positions: list[int] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.started.set()

    async def stop(self) -> None: ...

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0}

    async def send(self, _topic: str, *, headers: list[tuple[str, bytes]], **_rest: object) -> asyncio.Future[None]:
        self.positions.append(int(dict(headers)["position"]))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


@dataclass(slots=True)
class Log:
    """A database that entries can be put into."""

    database: Database
    numbers: "count[int]" = field(default_factory=count)

    async def add(self, entries: int) -> None:
        """Put so many more in."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            for _ in range(entries):
                position = next(self.numbers)
                entry_id = EntryId(f"{position:032x}")
                leaf = encode_entry(Entry(Position(position), entry_id, EntryType.CONTENT_OPENED, "t"))
                await connection.execute(
                    "INSERT INTO ledger.entry (position, entry_id, type, leaf, leaf_hash) VALUES ($1, $2, $3, $4, $5)",
                    *(position, entry_id, "content.opened", leaf, leaf_hash(leaf)),
                )
        finally:
            await connection.close()

    async def relayed(self) -> int | None:
        """Return the position up to which Kafka has what was added."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            position: int | None = await connection.fetchval("SELECT position FROM ledger.relay_cursor")
            return position
        finally:
            await connection.close()


@pytest_asyncio.fixture
async def log(fresh_database: Database) -> Log:
    """An empty one."""
    await migrate(fresh_database.superuser_dsn, passwords=dict.fromkeys(ROLES, PASSWORD))
    return Log(fresh_database)


@pytest_asyncio.fixture
async def make_relay(log: Log) -> AsyncIterator[Callable[[Sent], KafkaRelay]]:
    """Makes relays over it, each with a producer of its own."""
    server = log.database.server
    dsn = f"postgresql:///{log.database.name}?host={server.socket_dir}&port={server.port}"
    with running_embedded_broker() as broker:
        async with postgres_pool(dsn, user="exchange_ledger_relay", password=PASSWORD, size=2) as pool:

            def made(sent: Sent) -> KafkaRelay:
                settings = RelaySettings(broker.bootstrap_servers, "entries", 1, 1, "test/log")
                relay = KafkaRelay(pool, settings)
                relay.make_producer = lambda _servers: sent
                return relay

            yield made


async def test_a_standby_that_looks_later_repeats_nothing(
    log: Log, make_relay: Callable[[Sent], KafkaRelay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_relay, "IDLE_S", 600)
    first, second = Sent(), Sent()
    relay, standby = make_relay(first), make_relay(second)
    running = [asyncio.create_task(each.run()) for each in (relay, standby)]
    try:
        await asyncio.gather(first.started.wait(), second.started.wait())
        # Both have looked at the empty log, and wait.
        await asyncio.sleep(0.5)
        for size in (3, 6, 9):
            await log.add(3)

            async def relayed(size: int = size) -> bool | None:
                relay.wake()
                return await log.relayed() == size - 1 or None

            assert await patiently(relayed)
            standby.wake()
            await asyncio.sleep(0.3)
        assert (first.positions, second.positions) == (list(range(9)), [])
    finally:
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@dataclass(slots=True)
class CancelsItself(Sent):
    """A producer that loses its broker once, and whose tasks were cancelled when it is stopped, as aiokafka's are."""

    lost: bool = False

    async def stop(self) -> None:
        raise asyncio.CancelledError

    async def send(self, _topic: str, *, headers: list[tuple[str, bytes]], **rest: object) -> asyncio.Future[None]:
        if not self.lost:
            self.lost = True
            raise KafkaConnectionError
        return await Sent.send(self, _topic, headers=headers, **rest)


async def test_a_client_that_stops_by_cancelling_itself_does_not_end_the_relay(
    log: Log, make_relay: Callable[[Sent], KafkaRelay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_relay, "RETRY_AFTER_S", 0.01)
    sent = CancelsItself()
    await log.add(2)
    running = asyncio.create_task(make_relay(sent).run())
    try:

        async def relayed() -> bool | None:
            return running.done() or await log.relayed() == 1 or None

        assert await patiently(relayed)
        assert sent.lost
        assert not running.done(), "the relay ended"
        assert sent.positions == [0, 1]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
