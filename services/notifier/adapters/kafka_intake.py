"""Consuming entries from Kafka. The database commit comes first, the offset after: what repeats does no harm.

A record is a hint: what is taken in is what the ledger has at its position.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.ports import Ledger, Road
from services.notifier.recognise import Recognised, leaves_at, read_headers, recognise, said_position, said_previous
from services.notifier.take_in import EntryTaker
from shared.errors import Unavailable
from shared.identifiers import Position
from shared.process.taking_turns import category_of, each_apart, note_failure, take_turns

WORK = "intake"
AWAY: tuple[type[Exception], ...] = (KafkaError, *DATABASE_AWAY)

RETRY_AFTER_S = 1.0
POLL_MS = 500
BATCH = 200
SILENT_AFTER_S = 30.0
STOP_S = 5.0

TAKEN_IN = Counter("notifier_entries_total", "Entries taken in from Kafka")
STRANGERS = Counter("notifier_strangers_total", "Kafka records that were no entries of this ledger")
LAG = Gauge("notifier_lag", "Records not yet consumed", ["partition"])

log = structlog.get_logger()

Found = tuple[ConsumerRecord, Recognised | None]
"""A record, and the entry of the ledger that it is."""


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Where to consume from, and as which group."""

    bootstrap_servers: str
    topic: str
    group: str
    session_timeout_ms: int


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
    record says that the one before it in its partition never came. ``origin`` returns the ledger's name, once known.
    """

    def __init__(
        self,
        *,
        store: PostgresStore,
        ledger: Ledger,
        taker: EntryTaker,
        settings: IntakeSettings,
        lost: Callable[[], None],
        origin: Callable[[], str | None],
    ) -> None:
        self.make_consumer: Callable[[IntakeSettings], AIOKafkaConsumer] = consumer_of
        self._store = store
        self._ledger = ledger
        self._taker = taker
        self._settings = settings
        self._lost = lost
        self._origin = origin
        self._working = asyncio.Lock()
        self.caught_up = asyncio.Event()

    async def run(self) -> None:
        """Consume until cancelled; a failure of any kind builds a new consumer."""
        # Neither a broker nor its client may end the deliveries that go on beside this task.
        await take_turns(self._consume, work=WORK, retry_after_s=RETRY_AFTER_S, away=AWAY)

    async def _consume(self) -> float:
        consumer = self.make_consumer(self._settings)
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
                        leaves = await self._leaves_of(batches)
                        for partition, records in batches.items():
                            found = _recognised(records, leaves)
                            await self._take_in(partition, found)
                            self._tell_of_strangers(partition, found)
                        await consumer.commit(
                            {partition: records[-1].offset + 1 for partition, records in batches.items()}
                        )
                lag = await self._measure_lag(consumer)
                if lag == 0 and consumer.assignment():
                    self.caught_up.set()
                    silent_since = now
                elif now - silent_since > SILENT_AFTER_S and consumer.assignment():
                    log.warning("intake_silent", lag=lag)
                    return RETRY_AFTER_S
        finally:
            # The consumer is gone either way, and what the client's own tasks end with, cancelled ones among them,
            # is a result here: raised, it would hide what went wrong first.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(consumer.stop(), return_exceptions=True), STOP_S)

    async def _leaves_of(self, batches: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> dict[Position, bytes]:
        said = (said_position(read_headers(record.headers)) for records in batches.values() for record in records)
        return await leaves_at(self._ledger, [position for position in said if position is not None])

    async def _take_in(self, partition: TopicPartition, found: Sequence[Found]) -> None:
        """Take records in together; when that fails, each by itself, so that one that cannot be holds up no other.

        What cannot be taken in stays open. The record after it says so, and has the reconciler come to it.
        """
        try:
            await self._take_in_together(partition, found)
        except Exception as error:
            if category_of(error, away=AWAY) == Unavailable.__name__:
                raise
            note_failure(error, work=WORK, away=AWAY)

            async def alone(each: Found) -> bool:
                await self._take_in_together(partition, [each])
                return True

            await each_apart(found, alone, work=WORK, away=AWAY)

    async def _take_in_together(self, partition: TopicPartition, found: Sequence[Found]) -> None:
        lost, taken = False, 0
        async with self._store.intake() as intake:
            await intake.hold([known.entry for _, known in found if known is not None and known.entry is not None])
            before = await intake.progress(topic=partition.topic, partition=partition.partition)
            for record, known in found:
                if known is None:
                    continue
                # An entry that this release cannot read stays open, for the reconciler of one that can.
                road = Road("kafka", partition.topic, partition.partition, record.offset)
                if known.entry is not None:
                    taken += await self._taker.take_in(known.entry, road=road, intake=intake)
                previous = said_previous(read_headers(record.headers))
                lost = lost or (previous is not None and (before is None or before < previous))
                before = known.position
            if before is not None:
                await intake.reach(topic=partition.topic, partition=partition.partition, position=before)
        TAKEN_IN.inc(taken)
        if lost:
            self._lost()

    def _tell_of_strangers(self, partition: TopicPartition, found: Sequence[Found]) -> None:
        """Log that records are none of this ledger's, and how many of them name another as theirs."""
        strangers = [record for record, known in found if known is None]
        if strangers:
            names = [read_headers(record.headers).get("origin") for record in strangers]
            STRANGERS.inc(len(strangers))
            log.error(
                "records_not_of_this_ledger",
                partition=partition.partition,
                first_offset=strangers[0].offset,
                records=len(strangers),
                of_another_ledger=sum(name not in (None, self._origin()) for name in names),
            )

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


def consumer_of(settings: IntakeSettings) -> AIOKafkaConsumer:
    """Return a consumer whose offsets are committed only when it is told to."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=settings.session_timeout_ms,
        request_timeout_ms=15_000,
        metadata_max_age_ms=5_000,
    )


def _recognised(records: Sequence[ConsumerRecord], leaves: Mapping[Position, bytes]) -> list[Found]:
    return [(record, recognise(record.value, read_headers(record.headers), leaves)) for record in records]
