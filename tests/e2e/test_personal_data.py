"""G11: what agencies write about people is found nowhere but sealed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from cli.story import Story
from shared.canonical_json import Json
from tests.machinery.exchange import PRACTICE, TestExchange, running_exchange
from tests.machinery.people import child, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOLD = (
    "Zebulon",
    "Quartermaine-Oyelaran",
    "2017-09-03",
    "Wisteria Crescent",
    "ochre-coloured bruise",
    "Thaddeus",
    "Vandersteen",
    "01632 960999",
    "vandersteen@",
    "Marrow-Tate",
    "Prentice-Ray",
    "Achterberg",
    "Oduya-Finch",
)


async def test_no_personal_data_is_found_in_the_dump_the_files_the_logs_the_metrics_or_the_topic() -> None:
    async with running_exchange() as exchange:
        numbers = await live_through_a_day(exchange)
        metrics = await fetch(f"{exchange.local.gateway_url}/metrics")
        topic = await everything_on_the_topic(exchange)
        assert exchange.local.postgres is not None
        assert exchange.local.broker is not None
        bin_dir = exchange.local.postgres.bin_dir
        dump = subprocess.run(
            [bin_dir / "pg_dump", "--dbname", exchange.local.admin_url], capture_output=True, check=True
        ).stdout
        data_dir = exchange.local.postgres.data_dir
        await exchange.local.stop()
        wanted = [*TOLD, *numbers]
        assert len(topic) > 10
        for name, content in {"metrics": metrics, "topic": b"\n".join(topic), "dump": dump}.items():
            assert not found_in(content, wanted), name
        for path in (*files_under(data_dir), *files_under(exchange.local.layout.logs)):
            assert not found_in(path.read_bytes(), wanted), path.name
        logs = b"".join(path.read_bytes() for path in files_under(exchange.local.layout.logs))
        assert b"push" in logs, "the logs that were searched are those of the services"


async def live_through_a_day(exchange: TestExchange) -> list[str]:
    """Have everything happen that may leave a trace, good and bad; return the numbers that were told."""
    who = child(
        given_names="Zebulon",
        family_name="Quartermaine-Oyelaran",
        date_of_birth="2017-09-03",
        address={"lines": ["14 Wisteria Crescent"], "authority": "E06000005"},
    )
    practitioner: dict[str, Json] = {
        "name": "Thaddeus Vandersteen",
        "role": "teacher",
        "contact": {"telephone": "01632 960999", "email": "vandersteen@school.example"},
    }
    concern: dict[str, Json] = {"level": "significant_harm", "seen_or_said": "An ochre-coloured bruise."}
    await Story(exchange.local, exchange.parties, lambda _line: None).play()
    async with exchange.client() as client, exchange.client(PRACTICE) as practice:
        await client.share(
            share(who, practitioner=practitioner, concern=concern), idempotency_key="Zebulon-Quartermaine"
        )
        await client.report_whereabouts(whereabouts(who, "E06000047", practitioner=practitioner))
        await practice.withhold(withholding(who, reasons=["Vandersteen said not to"], concern=concern))
        await client.share(share(who, concern={"level": "Thaddeus", **{"observed_at": "Zebulon"}}))
        for path, body in (
            ("/v1/shares", b'{"child": {"family_name": 1}, "rationale": "Zebulon"}'),
            ("/v1/shares", b"{Zebulon"),
            ("/v1/Zebulon", b"{}"),
        ):
            with pytest.raises(Exception):  # noqa: B017, PT011
                await client.post_bytes(path, body, idempotency_key="bad")
    await exchange.all_signed_for()
    number = str(who["identifiers"][0]["value"])  # type: ignore[index,call-overload]
    return [number, f"{number[:3]} {number[3:6]} {number[6:]}", "999 007 3104", "9990073104"]


async def fetch(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


async def everything_on_the_topic(exchange: TestExchange) -> list[bytes]:
    assert exchange.local.broker is not None
    consumer = AIOKafkaConsumer(
        "exchange.entries",
        bootstrap_servers=exchange.local.broker.bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        found: list[bytes] = []
        while batch := await consumer.getmany(timeout_ms=1500):
            for records in batch.values():
                found.extend(
                    b"|".join((record.key or b"", record.value or b"", repr(record.headers).encode()))
                    for record in records
                )
        return found
    finally:
        await consumer.stop()


def files_under(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def found_in(content: bytes, wanted: list[str]) -> list[str]:
    lowered = content.lower()
    return [text for text in wanted if text.lower().encode() in lowered]
