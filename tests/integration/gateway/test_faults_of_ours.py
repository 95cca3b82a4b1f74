"""What fails at the gateway itself: the answer is signed, counted and says whom to call; the log holds no name."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import pytest

from client.errors import NotReached, Problem
from client.exchange_client import ExchangeClient
from client.exchange_keys import ExchangeKeys
from client.retrying import Retrying
from deploy.local.loopback_port import free_port
from shared.canonical_json import Json
from shared.signatures.keys import SigningKey, generate_signing_key
from tests.machinery.failing_gateway import ANSWER_KEY, CHILD, OWN_KEY
from tests.machinery.people import child, share

DANGER: Json = {"level": "immediate_danger", "seen_or_said": "He is there now."}


@dataclass
class Failing:
    """The process, how to reach it, and where its log is."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    own: SigningKey
    keys: ExchangeKeys

    def client(self) -> ExchangeClient:
        return ExchangeClient(self.url, key=self.own, keys=self.keys, retrying=Retrying(attempts=1))

    async def get(self, path: str) -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            return response.status, await response.read()

    def stop(self) -> list[dict[str, object]]:
        """Stop it, and return the lines of its log."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 1
        return [orjson.loads(line) for line in self.log.read_bytes().splitlines()]


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[Failing]:
    own, answers, port = generate_signing_key(), generate_signing_key(), free_port()
    for name, key in ((OWN_KEY, own), (ANSWER_KEY, answers)):
        (tmp_path / name).write_bytes(key.pem())
    log = tmp_path / "gateway.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.machinery.failing_gateway", str(port), str(tmp_path)],
            stdout=said,
            stderr=said,
            env={**os.environ},
        )
    keys = ExchangeKeys(answer_keys={answers.public.thumbprint: answers.public}, log_keys=())
    gateway = Failing(process, f"http://127.0.0.1:{port}", log, own, keys)
    try:
        for _ in range(200):
            try:
                await gateway.get("/livez")
                break
            except aiohttp.ClientError:
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.1)
        yield gateway
    finally:
        process.kill()
        process.wait()


async def refused(client: ExchangeClient, key: str, **members: Json) -> Problem:
    with pytest.raises(NotReached) as silence:
        await client.post_bytes("/v1/shares", orjson.dumps(share(child(), **members)), idempotency_key=key)
    assert silence.value.problem is not None, "the answer was signed and believed"
    return silence.value.problem


async def test_a_fault_of_ours_is_a_signed_answer_that_says_whom_to_call_and_what_is_not_known(
    failing: Failing,
) -> None:
    async with failing.client() as client:
        for key, status in (("fault", 500), ("contradiction", 500), ("unknown", 503)):
            problem = await refused(client, key, concern=DANGER)
            assert (problem.status, problem.outcome) == (status, "unknown"), key
            assert problem.call == (
                "Emergency services: 999",
                "Darlington children's social care: 01632 960100",
            ), key
            assert "999" in problem.remedy
            assert "same Idempotency-Key" in problem.remedy
            calm = await refused(client, key)
            assert (calm.outcome, calm.call) == ("unknown", ())
            assert "same Idempotency-Key" in calm.remedy
        nothing = await refused(client, "nothing", concern=DANGER)
        assert (nothing.status, nothing.outcome) == (503, "")
        assert nothing.call
    metrics = (await failing.get("/metrics"))[1].decode()
    assert 'gateway_requests_total{route="shares",status="500"} 4.0' in metrics
    assert 'gateway_refusals_total{code="internal"} 4.0' in metrics


async def test_a_search_that_fails_asks_for_no_repeat_under_its_key_which_it_does_not_use(failing: Failing) -> None:
    async with failing.client() as client:
        with pytest.raises(NotReached) as silence:
            await client.post("/v1/children/searches", {"child": child()})
    problem = silence.value.problem
    assert problem is not None
    assert (problem.status, problem.code, problem.outcome) == (500, "internal", "")
    assert "Idempotency-Key" not in problem.remedy


async def test_asking_whether_it_is_ready_costs_the_ledger_nothing(failing: Failing) -> None:
    before = await looks(failing)
    answers = {(await failing.get("/readyz"))[0] for _ in range(50)}
    assert answers == {503}, "its ledger has no first entry"
    assert await looks(failing) == before


async def looks(failing: Failing) -> bytes:
    """Return how often the ledger has been asked for the registry."""
    return (await failing.get("/looks"))[1]


async def test_the_log_of_a_process_at_which_everything_fails_is_json_lines_that_name_places_and_no_person(
    failing: Failing,
) -> None:
    async with failing.client() as client:
        await refused(client, "fault", concern=DANGER)
        with pytest.raises(NotReached):
            await client.get("/v1/read")
    status, body = await failing.get("/fail")
    assert (status, orjson.loads(body)["type"]) == (500, "/problems/internal")
    lines = failing.stop()
    text = failing.log.read_text()
    assert CHILD.split()[0] not in text
    assert "Traceback" not in text
    told = {(line["event"], line.get("kind")) for line in lines}
    assert told == {
        ("gateway_failed", "NameQuoted"),
        ("gateway_failed", "ValueError"),
        ("request_failed", "NameQuoted"),
        ("Task exception was never retrieved", "NameQuoted"),
        ("process_failed", "NameQuoted"),
    }
    for line in lines:
        assert line["service"] == "gateway"
        assert "tests/machinery/failing_gateway.py" in repr(line["trace"])
    read = next(line for line in lines if line.get("kind") == "ValueError")
    assert "arose from NameQuoted" in str(read["trace"])
