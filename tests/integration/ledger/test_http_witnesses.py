"""Asking witnesses: what is believed, what is passed over, and what stops the log."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import REGISTRY

from deploy.local.loopback_port import free_port
from services.ledger.adapters.http_witnesses import HttpWitnesses
from services.ledger.adapters.witness_site import LogForked
from shared.errors import ExchangeError, NotFound
from shared.identifiers import TreeSize
from shared.transparency.cosignature import cosign
from shared.transparency.merkle import ProofInvalid
from shared.transparency.signed_note import NoteSignature, format_signature
from shared.transparency.witness_policy import parse_policy
from tests.machinery.fakes import FakeClock
from tests.machinery.grown_log import GrownLog
from tests.machinery.witnesses import LOG, asking, cosigner, cosigning, names, stranger, witness


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("ledger_witness_cosignatures_total", {"outcome": outcome}) or 0.0


async def test_every_witness_cosigns_with_both_keys_and_each_next_size_extends_the_last(tmp_path: Path) -> None:
    async with witness(1, tmp_path) as one, witness(2, tmp_path) as two, asking({1: one, 2: two}, quorum=2) as ask:
        for size in (3, 7, 7, 40):
            assert names(await ask(size)) == ["w1.example", "w1.example", "w2.example", "w2.example"]
            assert REGISTRY.get_sample_value("ledger_witness_quorum_met") == 1
        at = REGISTRY.get_sample_value("ledger_witness_last_quorum_timestamp_seconds")
        assert at == FakeClock().now().timestamp()


async def test_what_each_witness_knows_is_learned_from_it_by_a_new_process(tmp_path: Path) -> None:
    async with witness(1, tmp_path) as one, witness(2, tmp_path) as two:
        async with asking({1: one}) as ask:
            await ask(5)
        async with asking({2: two}) as ask:
            await ask(9)
        async with asking({1: one, 2: two}) as ask:
            assert len(await ask(20)) == 4


async def test_a_witness_that_is_down_costs_its_own_cosignature_and_no_other(tmp_path: Path) -> None:
    before = counted("not_reached")
    async with witness(1, tmp_path) as one, asking({1: one, 2: f"http://127.0.0.1:{free_port()}"}, quorum=2) as ask:
        assert names(await ask(5)) == ["w1.example"] * 2
    assert counted("not_reached") == before + 1
    assert REGISTRY.get_sample_value("ledger_witness_quorum_met") == 0


def cosignature_of(ordinal: int, *, size: int, named: int | None = None) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes([ordinal]) * 32)
    made = cosign(LOG.checkpoint(size).body(), name=f"w{ordinal}.example", private_key=key, time_s=1)
    as_named = made if named is None else NoteSignature(*_identity(named), made.signature)
    return format_signature(as_named)


def _identity(ordinal: int) -> tuple[str, bytes]:
    key = cosigner(ordinal).verifiers()[0]
    return key.name, key.key_id


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", "garbage"),
        (200, b"<html>hello</html>", "garbage"),
        (200, b"\xff" * 1_000_000, "garbage"),
        (200, cosignature_of(7, size=5), "bad_signature"),
        (200, cosignature_of(7, size=5, named=2), "bad_signature"),
        (200, cosignature_of(2, size=6), "bad_signature"),
        (200, cosignature_of(2, size=5) + cosignature_of(2, size=6), "bad_signature"),
        (302, b"", "garbage"),
        (500, b"", "garbage"),
        (404, b"", "refused"),
        (403, b"", "refused"),
        (409, b"nonsense", "inconsistent"),
        (422, b"", "inconsistent"),
    ],
)
async def test_a_witness_that_answers_wrongly_is_counted_and_passed_over(
    tmp_path: Path, status: int, body: bytes, outcome: str
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, body=body, headers={"location": "/elsewhere"})

    before = counted(outcome)
    async with witness(1, tmp_path) as one, stranger(answer) as two, asking({1: one, 2: two}) as ask:
        assert names(await ask(5)) == ["w1.example"] * 2
    assert counted(outcome) == before + 1
    assert "/elsewhere" not in asked


async def test_a_witness_that_names_a_size_again_and_again_is_given_up(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=409, body=b"3\n", headers={"content-type": "text/x.tlog.size"})

    async with stranger(answer) as url, asking({1: url}) as ask:
        before = counted("refused")
        assert await ask(5) == ()
        assert counted("refused") == before + 1


async def test_a_witness_that_never_answers_is_not_waited_for_beyond_the_limit(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(3_600)
        return web.Response()

    before = counted("timed_out")
    async with witness(1, tmp_path) as one, stranger(answer) as two, asking({1: one, 2: two}, timeout_s=1.0) as ask:
        assert names(await ask(5)) == ["w1.example"] * 2
    assert counted("timed_out") == before + 1


async def test_a_stranger_on_a_witness_that_also_cosigned_for_another_is_passed_over(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=cosignature_of(7, size=5) + cosignature_of(2, size=5))

    async with stranger(answer) as two, asking({2: two}) as ask:
        assert names(await ask(5)) == ["w2.example"]


@pytest.mark.parametrize("size", [9, 20])
async def test_a_log_that_forked_is_stopped_by_what_a_witness_holds(tmp_path: Path, size: int) -> None:
    async with witness(1, tmp_path) as one, asking({1: one}) as ask:
        await ask(9)
        with pytest.raises(LogForked):
            await ask(size, LOG.forked(at=4))
        assert len(list((tmp_path / "evidence").iterdir())) == 1


async def test_a_witness_that_only_says_so_stops_nothing(tmp_path: Path) -> None:
    other = GrownLog(key=Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)).forked(at=0)

    async def answer(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(body=other.note(5))
        return web.Response(status=422)

    async with stranger(answer) as url, asking({1: url}) as ask:
        assert await ask(5) == ()


async def test_a_witness_that_is_ahead_does_not_cosign_and_stops_nothing(tmp_path: Path) -> None:
    before = counted("ahead")
    async with witness(1, tmp_path) as one, asking({1: one}) as ask:
        await ask(20)
        assert await ask(9) == ()
        assert len(await ask(25, at_last=True)) == 2
    assert counted("ahead") == before + 1


@pytest.mark.parametrize("error", [NotFound("a tile is not there yet"), ProofInvalid("a tile is damaged")])
async def test_a_proof_that_cannot_be_had_costs_the_cosignature_alone(tmp_path: Path, error: ExchangeError) -> None:
    policy = "witness w {} {}\nquorum w\n"
    async with witness(1, tmp_path) as one:
        async with asking({1: one}) as ask:
            await ask(5)
        parsed = parse_policy(policy.format(cosigner(1).verifiers()[0].verifier_key(), one))
        witnesses = HttpWitnesses(parsed, log_keys=[], timeout_s=5, clock=FakeClock())

        async def prove(old_size: TreeSize) -> tuple[bytes, ...]:
            raise error

        before = counted("no_proof")
        async with aclosing(witnesses.cosign(LOG.checkpoint(9), LOG.note(9), prove=prove)) as answers:
            assert await anext(answers) == ()
        assert counted("no_proof") == before + 1
        await witnesses.close()


async def test_a_witness_that_contradicts_proves_no_fork_when_this_logs_own_tiles_are_damaged() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=LOG.note(5)) if request.method == "GET" else web.Response(status=422)

    async def prove(old_size: TreeSize) -> tuple[bytes, ...]:
        raise ProofInvalid("a tile is damaged")

    before = counted("no_proof")
    async with (
        stranger(answer) as url,
        cosigning({1: url}) as (witnesses, _),
        aclosing(witnesses.cosign(LOG.checkpoint(9), LOG.note(9), prove=prove)) as answers,
    ):
        assert await anext(answers) == ()
    assert counted("no_proof") == before + 1
