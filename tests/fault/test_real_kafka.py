"""G6 on real Apache Kafka: stopped, wiped and started empty on the same port, it loses no notification."""

import asyncio

import pytest

from deploy.local.kafka import LocalKafka
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import share

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="session")]


async def test_kafka_stopped_wiped_and_started_empty_loses_no_notification() -> None:
    async with running_exchange("kafka", NOTIFIER_RECONCILE_INTERVAL_S="2") as exchange:
        kafka = exchange.local.broker
        assert isinstance(kafka, LocalKafka)
        async with exchange.client() as client:
            before = await client.share(share())
            await exchange.all_signed_for()
            kafka.crash()
            during = await client.share(share())
            await asyncio.sleep(1)
            kafka.wipe()
            kafka.start()
            after = await client.share(share())
        await exchange.all_signed_for()
        received = {each.entry for each in await exchange.notifications() if each.state == "received"}
        assert {str(answer.content["id"]) for answer in (before, during, after)} <= received
        assert (await exchange.audit()).intact

        async def on_disk() -> list[bytes] | None:
            return topic_files(exchange) or None

        # What was owed may have gone out by reconciling before the relay had found the new broker.
        written = await patiently(on_disk)
        assert written, "there were no topic files to search"
        for text in (b"Oduya-Finch", b"linear bruise", b"Example Terrace", b"15:15"):
            assert not any(text in content for content in written)


def topic_files(exchange: TestExchange) -> list[bytes]:
    """Return what the topic's files hold, those that hold anything."""
    logs = exchange.local.layout.kafka.rglob("exchange.entries-*/*.log")
    return [content for content in (path.read_bytes() for path in logs) if content]
