"""G6 on real Apache Kafka: stopped, wiped and started empty on the same port, it loses no notification."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import LocalKafka
from tests.machinery.exchange import TestExchange, running_exchange
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
        assert_no_personal_data_in(files_of(exchange))


def files_of(exchange: TestExchange) -> Iterator[Path]:
    """Yield the topic's files."""
    for folder, _, names in os.walk(exchange.local.layout.kafka):
        if "exchange.entries" in folder:
            yield from (Path(folder) / name for name in names)


def assert_no_personal_data_in(files: Iterator[Path]) -> None:
    """Fail when a topic's file holds what was written about anybody (G11)."""
    seen = 0
    for path in files:
        content = path.read_bytes()
        seen += len(content)
        for text in (b"Oduya-Finch", b"linear bruise", b"Example Terrace", b"15:15"):
            assert text not in content, path.name
    assert seen > 0, "there were no topic files to search"
