"""How long a checkpoint waits for witnesses: no longer than it must; and how those that failed are asked again."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from deploy.local.loopback_port import free_port
from services.ledger.domain import patience
from tests.machinery.witnesses import asking, begun, cosigning, names, never, stranger, witness


async def test_nobody_waits_for_a_witness_that_hangs_once_the_others_are_enough(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        witness(1, tmp_path) as one,
        stranger(never) as two,
        cosigning({1: one, 2: two}, timeout_s=3_600) as (witnesses, _),
    ):
        for size in (3, 5, 8):
            async with aclosing(begun(witnesses, size)) as answers:
                assert names(await anext(answers)) == ["w1.example"] * 2


async def test_after_a_missed_quorum_a_witness_is_asked_again_until_it_answers(tmp_path: Path) -> None:
    port = free_port()
    urls = {2: f"http://127.0.0.1:{port}"}
    async with (
        asyncio.timeout(60),
        witness(1, tmp_path) as one,
        cosigning({1: one, **urls}, quorum=2) as (witnesses, _),
        aclosing(begun(witnesses, 5)) as answers,
    ):
        assert names(await anext(answers)) == ["w1.example"] * 2
        assert REGISTRY.get_sample_value("ledger_witness_quorum_met") == 0
        async with witness(2, tmp_path, port=port):
            assert names(await anext(answers)) == ["w1.example", "w1.example", "w2.example", "w2.example"]
            assert REGISTRY.get_sample_value("ledger_witness_quorum_met") == 1
        with pytest.raises(StopAsyncIteration):
            await anext(answers)


async def test_one_that_keeps_failing_is_given_up_once_and_no_longer_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.01)
    failures: list[str] = []

    async def fails_then_hangs(request: web.Request) -> web.StreamResponse:
        failures.append(request.path)
        return web.Response(status=500) if len(failures) <= patience.GIVEN_UP_AFTER + 1 else await never(request)

    def is_given_up() -> float | None:
        return REGISTRY.get_sample_value("ledger_witness_given_up", {"witness": "w2.example"})

    async with (
        asyncio.timeout(60),
        witness(1, tmp_path) as one,
        stranger(fails_then_hangs) as two,
        cosigning({1: one, 2: two}, quorum=2, timeout_s=3_600) as (witnesses, _),
    ):
        with capture_logs() as said:
            async with aclosing(begun(witnesses, 5)) as answers:
                await anext(answers)
                assert is_given_up() == 0
                more = asyncio.create_task(anext(answers))
                while len(failures) <= patience.GIVEN_UP_AFTER + 1:
                    await asyncio.sleep(0.01)
                assert is_given_up() == 1
                more.cancel()
                await asyncio.wait([more])
            async with aclosing(begun(witnesses, 9)) as answers:
                assert names(await anext(answers)) == ["w1.example"] * 2
        assert [each["event"] for each in said].count("witness_given_up") == 1


async def test_cosignatures_from_before_count_and_only_the_missing_ones_are_asked_for(tmp_path: Path) -> None:
    async with witness(1, tmp_path) as one, witness(2, tmp_path) as two:
        async with asking({1: one}) as ask:
            held = await ask(5)
        asked: list[str] = []

        async def count(request: web.Request) -> web.StreamResponse:
            asked.append(request.path)
            return web.Response(status=500)

        async with stranger(count) as again, cosigning({1: again, 2: two}, quorum=2) as (witnesses, _):
            async with aclosing(begun(witnesses, 5, held=held)) as answers:
                every = [each async for each in answers]
            assert names(every[-1]) == ["w1.example", "w1.example", "w2.example", "w2.example"]
            async with aclosing(begun(witnesses, 5, held=every[-1])) as answers:
                assert [each async for each in answers] == []
        assert asked == []
