"""Consuming entries from Kafka. The database commit comes first, the offset after: what repeats does no harm."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from prometheus_client import Counter, Gauge

from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.ports import Road
from services.notifier.take_in import EntryTaker
from shared.entries import parse_entry
from shared.errors import InvalidInput
from shared.identifiers import Position

RETRY_AFTER_S = 1.0
POLL_MS = 500
BATCH = 200
SILENT_AFTER_S = 30.0

TAKEN_IN = Counter("notifier_entries_total", "Entries taken in from Kafka")
UNREADABLE = Counter("notifier_unreadable_total", "Kafka records that were no entries")
LAG = Gauge("notifier_lag", "Records not yet consumed", ["partition"])

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Where to consume from, and as which group."""

    bootstrap_servers: str
    topic: str
    group: str
    session_timeout_ms: int
    origin: str | None = None


class _Quiet(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets a batch that is being committed finish before its partitions are given away."""

    def __init__(self, working: asyncio.Lock) -> None:
        self._working = working

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        async with self._working:
            log.info("partitions_revoked", count=len(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        log.info("partitions_assigned", count=len(assigned))


class KafkaIntake:
    """Takes entries in from Kafka for as long as it runs, whatever becomes of Kafka meanwhile.

    ``caught_up`` is set once the end that the topic had at the start has been reached. ``lost`` is called when a
    record says that the one before it in its partition never came.
    """

    def __init__(
        self, *, store: PostgresStore, taker: EntryTaker, settings: IntakeSettings, lost: Callable[[], None]
    ) -> None:
        self._store = store
        self._taker = taker
        self._settings = settings
        self._lost = lost
        self._working = asyncio.Lock()
        self.caught_up = asyncio.Event()

    async def run(self) -> None:
        """Consume until cancelled; a failure of any kind builds a new consumer."""
        while True:
            try:
                await self._consume()
            except Exception as error:
                # Neither a broker nor its client may end the deliveries that go on beside this task.
                log.warning("intake_interrupted", kind=type(error).__name__)
            await asyncio.sleep(RETRY_AFTER_S)

    async def _consume(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            group_id=self._settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._settings.session_timeout_ms,
            request_timeout_ms=15_000,
            metadata_max_age_ms=5_000,
        )
        consumer.subscribe([self._settings.topic], listener=_Quiet(self._working))
        try:
            await consumer.start()
            silent_since = asyncio.get_running_loop().time()
            while True:
                batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
                now = asyncio.get_running_loop().time()
                if batches:
                    silent_since = now
                    async with self._working:
                        for partition, records in batches.items():
                            await self._take_in(partition, records)
                        await consumer.commit(
                            {partition: records[-1].offset + 1 for partition, records in batches.items()}
                        )
                lag = await self._measure_lag(consumer)
                if lag == 0 and consumer.assignment():
                    self.caught_up.set()
                    silent_since = now
                elif now - silent_since > SILENT_AFTER_S and consumer.assignment():
                    log.warning("intake_silent", lag=lag)
                    return
        finally:
            # Stopping can itself be cancelled inside the client; either way the consumer is gone.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _take_in(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        lost = False
        async with self._store.intake() as intake:
            for record in records:
                try:
                    entry = parse_entry(record.value or b"")
                except InvalidInput:
                    UNREADABLE.inc()
                    log.error("record_unreadable", partition=partition.partition, offset=record.offset)
                    await intake.note_unreadable(
                        topic=partition.topic, partition=partition.partition, offset=record.offset
                    )
                    continue
                road = Road("kafka", partition.topic, partition.partition, record.offset)
                if await self._taker.take_in(entry, road=road, intake=intake):
                    TAKEN_IN.inc()
                before = await intake.progress(
                    topic=partition.topic, partition=partition.partition, position=entry.position
                )
                lost = lost or _is_missing(_headers(record), before)
        if lost:
            self._lost()

    async def _measure_lag(self, consumer: AIOKafkaConsumer) -> int:
        assigned = consumer.assignment()
        if not assigned:
            return 0
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(list(assigned))
        total = 0
        for partition, end in ends.items():
            behind = max(0, end - await consumer.position(partition))
            LAG.labels(str(partition.partition)).set(behind)
            total += behind
        return total


def _headers(record: ConsumerRecord) -> Mapping[str, str]:
    return {name: value.decode("ascii", "replace") for name, value in record.headers}


def _is_missing(headers: Mapping[str, str], before: int | None) -> bool:
    """Return whether a record names a predecessor in its partition that never came."""
    previous = headers.get("previous", "")
    if not previous.lstrip("-").isdigit():
        return False
    named = Position(int(previous))
    return named >= 0 and (before is None or before < named)
