"""The relay: publishes committed entries to Kafka in position order. The ledger is the record, Kafka the fast road."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

import asyncpg
import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnsupportedVersionError
from prometheus_client import Counter, Gauge

from shared.entries import parse_entry
from shared.identifiers import Position
from shared.process.taking_turns import take_turns

CURSOR = "kafka"
BATCH = 500
RETRY_AFTER_S = 1.0
IDLE_S = 1.0
PACE_S = 0.02
"""Between one batch and the next, unless a whole one waits: what comes meanwhile shares its queries and its flush."""

RELAYED = Counter("ledger_relayed_entries_total", "Entries that Kafka has acknowledged")
RELAY_POSITION = Gauge("ledger_relay_position", "Position up to which Kafka has acknowledged entries")
RELAY_FAILURES = Counter("ledger_relay_failures_total", "Times that publishing failed and was begun anew")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Where to publish, and how to make the topic if it is not there."""

    bootstrap_servers: str
    topic: str
    partitions: int
    replication: int
    origin: str


@dataclass(frozen=True, slots=True)
class _Cursor:
    position: Position
    last_in_partition: Mapping[int, int]


class KafkaRelay:
    """Publishes every entry at least once, in position order within each partition.

    The cursor moves by compare-and-swap after the broker has acknowledged, so that a crash repeats entries and never
    skips one. Whatever Kafka does, accepting entries goes on: only this task waits.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", settings: RelaySettings) -> None:
        self.make_producer: Callable[[str], AIOKafkaProducer] = idempotent_producer
        self._pool = pool
        self._settings = settings
        self._more = asyncio.Event()

    def wake(self) -> None:
        """Say that there are new entries."""
        self._more.set()

    async def run(self) -> None:
        """Publish until cancelled. A failure builds a new producer and goes on from the cursor."""
        away = (KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError)
        await take_turns(self._turn, work="relay", retry_after_s=RETRY_AFTER_S, away=away)

    async def _turn(self) -> float:
        # Nothing that a broker or its client does may reach the writer, which runs in this process.
        with RELAY_FAILURES.count_exceptions((Exception, asyncio.CancelledError)):
            await self._publish_with_new_producer()

    async def _publish_with_new_producer(self) -> NoReturn:
        await self._make_topic()
        producer = self.make_producer(self._settings.bootstrap_servers)
        try:
            await producer.start()
            cursor: _Cursor | None = None
            while True:
                # Cleared before looking, so that what comes while this looks is looked for again.
                self._more.clear()
                published, cursor = await self._publish_next(producer, cursor or await self._cursor())
                if published:
                    await asyncio.sleep(0 if published == BATCH else PACE_S)
                else:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._more.wait(), IDLE_S)
        finally:
            # The producer is gone either way, and what the client's own tasks end with is a result here: raised, it
            # would hide what went wrong first.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(producer.stop(), return_exceptions=True), 5)

    async def _publish_next(self, producer: AIOKafkaProducer, cursor: _Cursor) -> tuple[int, _Cursor | None]:
        """Publish the entries after the cursor, at most a batch.

        Returns how many, and the cursor to go on from; None where it is to be read again, since another process's relay
        has moved it, or may while this one waits: a standby looks as well.
        """
        rows = await self._pool.fetch(
            "SELECT position, leaf FROM ledger.entry WHERE position > $1 ORDER BY position LIMIT $2",
            cursor.position,
            BATCH,
        )
        if not rows:
            return 0, None
        partitions = sorted(await producer.partitions_for(self._settings.topic))
        last = dict(cursor.last_in_partition)
        acknowledgements = []
        for row in rows:
            key = _key(row["leaf"])
            partition = partitions[partition_of(key, count=len(partitions))]
            acknowledgements.append(
                await producer.send(
                    self._settings.topic,
                    value=row["leaf"],
                    key=key,
                    partition=partition,
                    headers=[
                        ("position", str(row["position"]).encode()),
                        ("previous", str(last.get(partition, -1)).encode()),
                        ("origin", self._settings.origin.encode()),
                    ],
                )
            )
            last[partition] = row["position"]
        for acknowledgement in asyncio.as_completed(acknowledgements):
            await acknowledgement
        advanced = _Cursor(Position(rows[-1]["position"]), last)
        moved = await self._advance(cursor, to=advanced)
        RELAYED.inc(len(rows))
        RELAY_POSITION.set(advanced.position)
        return len(rows), advanced if moved else None

    async def _cursor(self) -> _Cursor:
        row = await self._pool.fetchrow(
            "SELECT position, last_in_partition FROM ledger.relay_cursor WHERE name = $1", CURSOR
        )
        if row is None:
            await self._pool.execute(
                "INSERT INTO ledger.relay_cursor (name, position, last_in_partition) VALUES ($1, -1, '{}')"
                " ON CONFLICT (name) DO NOTHING",
                CURSOR,
            )
            return _Cursor(Position(-1), {})
        last = orjson.loads(row["last_in_partition"])
        return _Cursor(Position(row["position"]), {int(partition): position for partition, position in last.items()})

    async def _advance(self, cursor: _Cursor, *, to: _Cursor) -> bool:
        moved = await self._pool.fetchval(
            "UPDATE ledger.relay_cursor SET position = $3, last_in_partition = $4"
            " WHERE name = $1 AND position = $2 RETURNING position",
            CURSOR,
            cursor.position,
            to.position,
            orjson.dumps({str(partition): position for partition, position in to.last_in_partition.items()}).decode(),
        )
        if moved is None:
            # Another relay has published meanwhile: its cursor holds, and consumers see these entries twice.
            log.warning("relay_cursor_moved_by_another")
        return moved is not None

    async def _make_topic(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.bootstrap_servers, request_timeout_ms=10_000)
        try:
            await admin.start()
            topic = NewTopic(
                self._settings.topic,
                num_partitions=self._settings.partitions,
                replication_factor=self._settings.replication,
            )
            # The embedded broker makes topics on first use and cannot be asked to: it names no controller, which the
            # client answers with an AttributeError.
            with contextlib.suppress(TopicAlreadyExistsError, UnsupportedVersionError, AttributeError):
                await admin.create_topics([topic])
        finally:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await admin.close()


def idempotent_producer(bootstrap_servers: str) -> AIOKafkaProducer:
    """Return a producer whose acknowledgement means that every in-sync replica has the record, once and in order."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, enable_idempotence=True, acks="all", request_timeout_ms=10_000, linger_ms=0
    )


def partition_of(key: bytes, *, count: int) -> int:
    """Return which of ``count`` partitions a key goes to: the same for ever, so that a child keeps its order."""
    return int.from_bytes(sha256(key).digest()[:8]) % count


def _key(leaf: bytes) -> bytes:
    entry = parse_entry(leaf)
    return (entry.subjects[0].ref if entry.subjects else entry.id).encode("ascii")
