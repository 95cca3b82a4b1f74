"""G9: what is erased is gone, nothing else is, and everything that was proven stays proven."""

import secrets
from collections.abc import Awaitable

import asyncpg
import orjson
import pytest

from cli.steward import CarriedOut
from client.errors import Refused
from client.exchange_client import Answer
from shared.errors import Conflict, InvalidInput, NotFound, NotPermitted
from shared.identifiers import EntryId
from shared.ledger.messages import OpenSection, OwedQuery
from shared.ledger.stewardship import SCOPE_CHILD, SCOPE_ENTRY, Target
from tests.machinery.answers import child_ref, told
from tests.machinery.exchange import DARLINGTON, PRACTICE, TestExchange, patiently
from tests.machinery.people import child, share, withholding
from tests.machinery.stewards import GROUND, REASON, approved, erase, steward

pytestmark = pytest.mark.asyncio(loop_scope="session")


def entry_id(answer: Answer) -> EntryId:
    return EntryId(str(answer.content["id"]))


async def opened(exchange: TestExchange, entry: EntryId) -> bytes:
    async with exchange.ledger("notifier") as ledger:
        return (await ledger.open_section(OpenSection(entry, "body", f"test:{secrets.token_hex(8)}"))).content


async def test_an_erased_child_is_gone_and_its_answers_receipts_and_neighbours_stay(exchange: TestExchange) -> None:
    who, other = child(), child()
    body, key = orjson.dumps(share(who)), secrets.token_hex(8)
    async with exchange.client() as client, exchange.client(PRACTICE) as practice:
        first = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        second = await practice.withhold(withholding(who))
        kept = await client.share(share(other))
        await exchange.all_signed_for()
        assert child_ref(first) == child_ref(second)
        done = await erase(exchange, child_ref(first))
        assert not done.refused

        for gone in (first, second):
            with pytest.raises(NotFound):
                await opened(exchange, entry_id(gone))
        assert orjson.loads(await opened(exchange, entry_id(kept)))["child"] == orjson.loads(orjson.dumps(other))

        again = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        assert (again.status, again.body) == (first.status, first.body)
        # Nothing is left to tell another body from the first by: the idempotency key alone names the answer.
        different = await client.post_bytes("/v1/shares", orjson.dumps(share(other)), idempotency_key=key)
        assert (different.status, different.body) == (first.status, first.body)
        keys = await client.keys()
        assert again.receipt_checkpoint(keys).size > 0

        anew = await client.share(share(who))
        assert child_ref(anew) != child_ref(first)
        assert (await client.share(share(who))).content["child"] == anew.content["child"]
    report = await exchange.audit()
    assert report.intact, report.findings
    assert report.erased >= 4


async def test_the_erasure_itself_says_who_and_why_and_when_the_last_copy_lapses(exchange: TestExchange) -> None:
    async with exchange.client() as client:
        about = child_ref(await client.share(share()))
    await erase(exchange, about)
    recorded = next(
        entry
        for entry in await exchange.entries()
        if entry.type == "erasure.recorded" and entry.subjects[0].ref == about
    )
    assert recorded.facts["target"] == {"scope": "child", "child": about, "entry": None}
    assert (recorded.facts["authority"], recorded.facts["reason"]) == (GROUND, REASON)
    assert (recorded.facts["proposed_by"], recorded.facts["approved_by"]) == ("p.ellis", ["q.harrow", "r.dunmore"])
    assert recorded.facts["carried_out_by"] == "t.oake"
    assert str(recorded.facts["complete_by"]) > recorded.time


async def test_one_entry_is_erased_and_the_childs_others_stay(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client() as client:
        body, key = orjson.dumps(share(who)), secrets.token_hex(8)
        wrong = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        right = await client.share(share(who))
        async with steward(exchange) as acting:
            target = await acting.target_of_entry(entry_id(wrong))
            assert target.child == child_ref(wrong)
            lying = await approved(acting, Target(SCOPE_ENTRY, None, entry_id(wrong)))
            with pytest.raises(InvalidInput):
                await acting.carry_out(lying, by="t.oake")
            assert not (await acting.carry_out(await approved(acting, target), by="t.oake")).refused
        with pytest.raises(NotFound):
            await opened(exchange, entry_id(wrong))
        assert await opened(exchange, entry_id(right))
        again = await client.post_bytes("/v1/shares", body, idempotency_key=key)
        assert again.body == wrong.body
        different = await client.post_bytes("/v1/shares", orjson.dumps(share()), idempotency_key=key)
        assert different.body == wrong.body
        assert child_ref(await client.share(share(who))) == child_ref(right)
    report = await exchange.audit()
    assert report.intact, report.findings


async def test_the_record_of_a_conflicting_attempt_goes_with_the_child_whose_key_seals_it(
    exchange: TestExchange,
) -> None:
    who, key = child(), secrets.token_hex(8)
    async with exchange.client() as client:
        about = child_ref(await client.share(share(who), idempotency_key=key))
        with pytest.raises(Refused):
            await client.share(share(who, rationale="Another one."), idempotency_key=key)
    await erase(exchange, about)
    report = await exchange.audit()
    assert report.intact, report.findings
    owner = await asyncpg.connect(exchange.local.admin_url)
    for table, column in (("sealed_section", "data_key_id"), ("data_key", "key_id"), ("child_identifier", "ref")):
        assert await owner.fetchval(f"SELECT count(*) FROM ledger.{table} WHERE {column} = $1", about) == 0, table
    await owner.close()


async def test_a_hold_blocks_erasure_until_it_is_lifted_even_after_a_restart(exchange: TestExchange) -> None:
    async with exchange.client() as client:
        answer = await client.share(share())
    about = child_ref(answer)
    async with steward(exchange) as acting:
        proposal = await approved(acting, Target(SCOPE_CHILD, about))
        one_entry = await approved(acting, await acting.target_of_entry(entry_id(answer)))
        hold = await acting.place_hold(
            about, authority="inquiries_act_2005_s21", reason="public_inquiry", by="s.vane", note="Asked by Ada Thorne."
        )
        await exchange.local.stop_service("ledger")
        await exchange.local.start_service("ledger")
        for each in (proposal, one_entry):
            refused = (await acting.carry_out(each, by="t.oake")).refused
            assert {error.code for error in refused.values()} == {"child-on-hold"}
        assert await opened(exchange, entry_id(answer))
        await acting.lift_hold(hold, reason="inquiry_over", by="t.oake")
        assert not (await acting.carry_out(proposal, by="t.oake")).refused
    with pytest.raises(NotFound):
        await opened(exchange, entry_id(answer))
    report = await exchange.audit()
    assert report.intact, report.findings


async def test_what_outlives_its_childs_key_is_sealed_by_itself(exchange: TestExchange) -> None:
    """A note on a hold, and an answer that was on its way to a notification while the child was erased."""
    async with exchange.client() as client, exchange.client(DARLINGTON) as social_care:
        kept, gone = await client.share(share()), await client.share(share())
        async with steward(exchange) as acting:
            await acting.place_hold(
                child_ref(kept), authority="inquiries_act_2005_s21", reason="public_inquiry", by="s.vane", note="Ada."
            )
        await exchange.all_signed_for()
        await erase(exchange, child_ref(gone))
        (notification,) = (each.obligation for each in told(gone).values())
        await social_care.acknowledge(notification, {"state": "owned", "person": {"name": "Rosalind Achterberg"}})
    report = await exchange.audit()
    assert report.intact, report.findings


async def test_nothing_is_erased_without_two_others_approval(exchange: TestExchange) -> None:
    async with exchange.client() as client:
        about = child_ref(await client.share(share()))
    async with steward(exchange) as acting:
        target = Target(SCOPE_CHILD, about)
        proposal = await acting.propose_erasure(target, authority=GROUND, reason=REASON, by="p.ellis")
        assert await _refusal(acting.carry_out(proposal, by="t.oake")) == "not-approved"
        with pytest.raises(NotPermitted):
            await acting.approve(proposal, by="p.ellis")
        await acting.approve(proposal, by="q.harrow")
        with pytest.raises(NotPermitted):
            await acting.approve(proposal, by="q.harrow")
        assert await _refusal(acting.carry_out(proposal, by="t.oake")) == "not-approved"
        await acting.approve(proposal, by="r.dunmore")
        assert not (await acting.carry_out(proposal, by="t.oake")).refused
        with pytest.raises(Conflict):
            await acting.propose_erasure(target, authority=GROUND, reason=REASON, by="p.ellis")
        with pytest.raises(InvalidInput):
            await acting.propose_erasure(target, authority=GROUND, reason=REASON, by="Ada Thorne")


async def test_what_is_owed_of_an_erased_child_stands_in_a_queue_until_a_person_resolves_it(
    exchange: TestExchange,
) -> None:
    async with exchange.client() as client:
        await exchange.local.stop_service("notifier")
        answer = await client.share(share())
        await erase(exchange, child_ref(answer))
        await exchange.local.start_service("notifier")

    async def queued() -> str | None:
        async with exchange.ledger() as ledger:
            page = await ledger.queue(OwedQuery(limit=1000))
        found = [each for each in page.obligations if each.entry_id == entry_id(answer)]
        return found[0].obligation.id if found else None

    item = await patiently(queued)
    assert item is not None
    async with exchange.operator() as operator, exchange.ledger() as ledger:
        assert (await ledger.obligation(item)).state == "owed"  # type: ignore[arg-type]
        await operator.assign(item, owner="u.marsh")  # type: ignore[arg-type]
        await operator.resolve(item, by="u.marsh")  # type: ignore[arg-type]
        assert (await ledger.obligation(item)).state == "decided"  # type: ignore[arg-type]
    report = await exchange.audit()
    assert report.intact, report.findings


async def _refusal(carrying: Awaitable[CarriedOut]) -> str:
    return next(iter((await carrying).refused.values())).code
