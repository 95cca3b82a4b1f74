"""G5, G6: what somebody else writes to the topic takes no entry's place and settles nothing."""

import pytest
from aiokafka import AIOKafkaProducer

from services.ledger.adapters.kafka_relay import idempotent_producer
from shared.entries import Entry, encode_entry
from shared.identifiers import EntryId, Position
from shared.vocabulary import EntryType
from tests.machinery.exchange import TestExchange, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOPIC = "exchange.entries"
TAKEN = 20
STRANGE_HEADERS: tuple[list[tuple[str, bytes | None]], ...] = (
    [("position", None), ("previous", None), ("origin", None)],
    [("position", b"0"), ("previous", b"--5")],
    [("position", b"0"), ("previous", b"9" * 5000)],
)


async def test_another_ledgers_records_hide_none_of_this_ones_entries() -> None:
    """The next twenty positions are written to the topic by another ledger before this one comes to them."""
    async with running_exchange(NOTIFIER_RECONCILE_INTERVAL_S="600") as exchange:
        assert exchange.local.broker is not None
        producer = idempotent_producer(exchange.local.broker.bootstrap_servers)
        await producer.start()
        try:
            await _write_as_another_ledger(exchange, producer)
        finally:
            await producer.stop()
        async with exchange.client() as client:
            answer = await client.share(share())
        await exchange.all_signed_for()
        told = [each for each in await exchange.notifications() if each.entry == answer.content["id"]]
        assert {each.came_by for each in told} == {"kafka"}
        log = (exchange.local.layout.logs / "notifier.log").read_text(encoding="utf-8")
        assert "records_not_of_this_ledger" in log
        assert (await exchange.audit()).intact


async def test_no_record_of_a_stranger_stops_what_kafka_brings() -> None:
    """Headers without a value, and a true entry written again with a predecessor that is no position."""
    async with running_exchange(NOTIFIER_RECONCILE_INTERVAL_S="600") as exchange:
        assert exchange.local.broker is not None
        producer = idempotent_producer(exchange.local.broker.bootstrap_servers)
        await producer.start()
        try:
            genuine = encode_entry((await exchange.entries())[0])
            for partition in sorted(await producer.partitions_for(TOPIC)):
                for headers in STRANGE_HEADERS:
                    await producer.send_and_wait(TOPIC, genuine, partition=partition, headers=headers)
        finally:
            await producer.stop()
        async with exchange.client() as client:
            answer = await client.share(share())
        await exchange.all_signed_for()
        told = [each for each in await exchange.notifications() if each.entry == answer.content["id"]]
        assert {each.came_by for each in told} == {"kafka"}
        log = (exchange.local.layout.logs / "notifier.log").read_text(encoding="utf-8")
        assert '"category": "Fault"' not in log


async def _write_as_another_ledger(exchange: TestExchange, producer: AIOKafkaProducer) -> None:
    entries = await exchange.entries()
    partitions = await producer.partitions_for(TOPIC)
    for position in range(len(entries), len(entries) + TAKEN):
        entry = Entry(Position(position), EntryId(f"{position:032x}"), EntryType.CONTENT_OPENED, entries[-1].time)
        headers = [("position", str(position).encode()), ("previous", b"-1"), ("origin", b"other.example/ledger")]
        for partition in sorted(partitions):
            await producer.send_and_wait(TOPIC, encode_entry(entry), partition=partition, headers=headers)
