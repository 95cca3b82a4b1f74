"""G2 and G7: the same request gets the same answer for ever, and never a second entry."""

import asyncio
import secrets

import orjson
import pytest

from tests.machinery.exchange import SCHOOL, TestExchange, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_hundred_concurrent_duplicates_make_one_entry_and_get_one_answer(exchange: TestExchange) -> None:
    body, key = orjson.dumps(share()), secrets.token_hex(8)
    async with exchange.client() as client:
        answers = await asyncio.gather(
            *(client.post_bytes("/v1/shares", body, idempotency_key=key) for _ in range(200))
        )
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    identifier = answers[0].content["id"]
    assert [entry.id for entry in await exchange.entries()].count(str(identifier)) == 1  # type: ignore[arg-type]
    child = answers[0].content["child"]
    about = [entry for entry in await exchange.entries() if entry.subjects and {"ref": entry.subjects[0].ref} == child]
    assert [entry.type for entry in about].count("share.recorded") == 1  # type: ignore[arg-type]


async def test_the_answer_is_the_same_after_a_restart_signed_anew_and_after_a_key_rotation() -> None:
    async with running_exchange() as exchange:
        body, key = orjson.dumps(share()), "kept-for-ever"
        async with exchange.client() as client:
            original = await client.post_bytes("/v1/shares", body, idempotency_key=key)
            again = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        assert (again.status, again.body) == (original.status, original.body)

        await exchange.local.stop()
        await exchange.local.start()
        async with exchange.client() as client:
            restarted = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        assert (restarted.status, restarted.body) == (original.status, original.body)

        old = exchange.parties.key(SCHOOL)
        exchange.parties.key_file(SCHOOL).unlink()
        new = exchange.parties.key(SCHOOL)
        async with exchange.operator() as operator:
            await operator.add_key(SCHOOL.id, new.public)
            await operator.revoke_key(old.public.thumbprint, reason="rotated", by="p.ellis")
        async with exchange.client() as client:
            rotated = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        assert (rotated.status, rotated.body) == (original.status, original.body)
        assert (await exchange.audit()).intact


async def test_the_same_key_of_another_agency_is_another_key(exchange: TestExchange) -> None:
    from tests.machinery.exchange import NURSERY

    body, key = orjson.dumps(share()), secrets.token_hex(8)
    async with exchange.client(SCHOOL) as school, exchange.client(NURSERY) as nursery:
        first = await school.post_bytes("/v1/shares", body, idempotency_key=key)
        second = await nursery.post_bytes("/v1/shares", body, idempotency_key=key)
    assert first.content["id"] != second.content["id"]


async def test_the_same_key_for_another_path_is_another_request(exchange: TestExchange) -> None:
    from client.errors import Refused

    body, key = orjson.dumps(share()), secrets.token_hex(8)
    async with exchange.client() as client:
        await client.post_bytes("/v1/shares", body, idempotency_key=key)
        with pytest.raises(Refused) as refused:
            await client.post_bytes("/v1/withholdings", body, idempotency_key=key)
    assert refused.value.problem.code == "idempotency-key-reused"
