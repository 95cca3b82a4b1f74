"""Withholdings are decided on again: by a second decision-maker, when their day has come, or by the share itself."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from client.errors import Refused
from client.exchange_client import Answer, ExchangeClient
from shared.canonical_json import Json
from shared.clock import SystemClock
from shared.ledger.messages import OwedQuery
from tests.machinery.agencies import new_agency
from tests.machinery.answers import codes, objects, told
from tests.machinery.command_line import Command
from tests.machinery.exchange import PRACTICE, TestExchange, patiently
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIRMED: dict[str, Json] = {
    "practitioner": {"name": "Dr Ilse Brandreth", "role": "safeguarding lead"},
    "decision": "confirm",
    "reasons": ["not_relevant"],
    "rationale": "Nothing of it bears on the child's welfare.",
    "review_on": "2099-01-01",
}


def path(withheld: Answer, name: str = "") -> str:
    return f"/v1/withholdings/{withheld.content['id']}{name}"


async def states(client: ExchangeClient, withheld: Answer) -> set[object]:
    return {each["state"] for each in objects(await client.get(path(withheld)), "notifications")}


async def test_a_second_decision_maker_confirms_and_everything_put_to_them_is_settled(exchange: TestExchange) -> None:
    async with exchange.client(PRACTICE) as client:
        withheld = await client.withhold(withholding(child()))
        assert told(withheld).keys() == {"agency:linthorpe-surgery", "queue:second-decision-maker"}
        review = await client.post(path(withheld, "/reviews"), CONFIRMED)
        seen = await client.get(path(withheld))
    assert (review.status, told(review), review.content["challenges"]) == (201, {}, [])
    assert {each["state"] for each in objects(seen, "notifications")} == {"decided"}
    assert seen.content["standing"] == {
        "is": "as_recorded",
        "by": None,
        "reviewed_by": [review.content["id"]],
        "disputed_by": [],
        "consent_withdrawn_by": [],
    }
    assert "Brandreth" not in repr(await exchange.entries())
    async with exchange.ledger() as ledger:
        queued = (await ledger.queue(OwedQuery(limit=1000))).obligations
    assert not [each for each in queued if each.entry_id == withheld.content["id"]]
    assert (await exchange.audit()).findings == []


async def test_a_misconception_is_not_confirmed_but_challenged_again(exchange: TestExchange) -> None:
    async with exchange.client(PRACTICE) as client:
        withheld = await client.withhold(withholding(child(), concern={"level": "significant_harm"}))
        unmended: dict[str, Json] = {**CONFIRMED, "reasons": []}
        again = await client.post(path(withheld, "/reviews"), unmended)
        assert codes(again, "challenges") == {"challenge-gdpr"}
        assert told(again)["queue:second-decision-maker"].urgency == "same_day"
        assert "decided" not in await states(client, withheld)
        unnamed = await client.post(path(withheld, "/reviews"), {**CONFIRMED, "practitioner": None})
        assert "practitioner-missing" in codes(unnamed)
        assert "decided" not in await states(client, withheld)


async def test_a_decision_to_share_is_settled_by_the_share_that_names_the_withholding(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(PRACTICE) as client:
        withheld = await client.withhold(withholding(who))
        decided = await client.post(path(withheld, "/reviews"), {**CONFIRMED, "decision": "share"})
        assert "share-still-to-come" in codes(decided)
        assert "decided" not in await states(client, withheld)
        shared = await client.share(share(who, after_withholding=str(withheld.content["id"])))
        assert await states(client, withheld) == {"decided"}
        seen = await client.get(path(withheld))
    assert str(shared.content["id"]) in repr(seen.content["standing"])
    assert seen.content["history"]
    assert "authority:" not in repr(objects(seen, "notifications"))


async def test_what_is_decided_is_not_said_by_an_acknowledgement(exchange: TestExchange) -> None:
    async with exchange.client(PRACTICE) as client:
        withheld = await client.withhold(withholding(child()))
        lead = told(withheld)["agency:linthorpe-surgery"].obligation
        person: dict[str, Json] = {"name": "Ilse Brandreth", "role": "safeguarding lead"}
        assert (await client.acknowledge(lead, {"state": "owned", "person": person})).status == 201
        with pytest.raises(Refused) as refused:
            await client.acknowledge(lead, {"state": "decided", "person": person, "outcome": "no_further_action"})
    assert (refused.value.problem.status, refused.value.problem.code) == (422, "review-needed")


async def test_an_overdue_review_is_chased_listed_and_goes_when_it_is_reviewed(
    exchange: TestExchange, command: Command, tmp_path: Path
) -> None:
    yesterday = (SystemClock().now() - timedelta(days=2)).date().isoformat()
    async with (
        new_agency(exchange, "a-slow-surgery", duty_class="s11_body", home_authority="E06000005") as surgery,
        exchange.client() as other,
    ):
        withheld = await surgery.withhold(withholding(child(), reasons=["not_relevant"], review_on=yesterday))

        async def listed() -> list[dict[str, object]] | None:
            return objects(await surgery.get("/v1/withholdings/overdue-reviews"), "overdue_reviews") or None

        (overdue,) = await patiently(listed) or [{}]
        assert (overdue["withholding"], overdue["review_due_on"]) == (withheld.content["id"], yesterday)
        others = objects(await other.get("/v1/withholdings/overdue-reviews"), "overdue_reviews")
        assert str(withheld.content["id"]) not in repr(others)
        code, said = await command("queue", "reviews")
        assert code == 0
        assert f"{withheld.content['id']}  agency:a-slow-surgery  due for review {yesterday}" in said
        await surgery.post(path(withheld, "/reviews"), CONFIRMED)
        assert await listed() is None


async def test_the_lead_is_pushed_what_is_overdue_with_the_record_and_else_it_waits_for_a_person(
    exchange: TestExchange,
) -> None:
    yesterday = (SystemClock().now() - timedelta(days=2)).date().isoformat()
    record = withholding(child(), reasons=["not_relevant"], review_on=yesterday, rationale="Nobody needs it.")
    async with (
        exchange.client(PRACTICE) as practice,
        new_agency(exchange, "no-endpoint", duty_class="s11_body", home_authority="E06000005") as without,
    ):
        withheld, queued = await practice.withhold(record), await without.withhold(record)

    async def pushed() -> object:
        events = await exchange.parties.pushed_to(PRACTICE)
        return next(
            (each.data.content for each in events if each.data.entry["causes"] == [withheld.content["id"]]), None
        )

    content = await patiently(pushed)
    assert isinstance(content, dict)
    assert content["rationale"] == "Nobody needs it."

    async def waiting() -> bool | None:
        async with exchange.ledger() as ledger:
            found = (await ledger.queue(OwedQuery(limit=1000))).obligations
        return True if "agency:no-endpoint" in {each.obligation.recipient for each in found} else None

    assert queued.status == 201
    assert await patiently(waiting)


async def test_a_review_is_sent_by_command(exchange: TestExchange, command: Command, tmp_path: Path) -> None:
    async with exchange.client(PRACTICE) as client:
        withheld = await client.withhold(withholding(child()))
    file = tmp_path / "review.json"
    file.write_text(json.dumps({"format": "safeguarding-exchange/review/v1", **CONFIRMED}))
    code, said = await command(
        "review", str(withheld.content["id"]), file, "--key", exchange.parties.key_file(PRACTICE)
    )
    assert code == 0, said
    assert '"settled": true' in said
