"""Corrections, retractions, disputes and withdrawals of consent: appended, and told to everybody who was told."""

import msgspec
import pytest

from cli.parties import DURHAM, Party, PushedData
from client.errors import Refused
from client.exchange_client import Answer
from shared.canonical_json import Json
from shared.identifiers import ObligationId
from shared.notifier import NotificationQuery
from tests.machinery.answers import child_ref, codes, told
from tests.machinery.exchange import DARLINGTON, NURSERY, PRACTICE, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

DARLINGTON_CSC, DURHAM_CSC = "authority:E06000005", "authority:E06000047"


def path(record: Answer, name: str, collection: str = "shares") -> str:
    return f"/v1/{collection}/{record.content['id']}/{name}"


async def pushed(exchange: TestExchange, party: Party, position: object) -> PushedData:
    """Return what a party was told because of the entry at a position."""

    async def look() -> PushedData | None:
        events = await exchange.parties.pushed_to(party)
        return next((event.data for event in events if event.data.position == position), None)

    found = await patiently(look)
    assert found is not None, f"{party.name} was not told"
    return found


class Followed(msgspec.Struct, frozen=True):
    id: str
    type: str
    agency: str | None
    codes: dict[str, str]
    notifications: list[dict[str, object]]


class Standing(msgspec.Struct, frozen=True, rename={"what": "is"}):
    what: str
    by: str | None
    disputed_by: list[str]
    consent_withdrawn_by: list[str]


async def test_a_correction_reaches_whoever_was_told_and_whom_the_new_place_adds(exchange: TestExchange) -> None:
    who = child()
    members: Json = {"child": {"address": {"authority": "E06000047"}}}
    correction: dict[str, Json] = {"why": "That was the former address.", "members": members}
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(who))
        corrected = await client.post(path(shared, "corrections"), correction, idempotency_key="correct-once")
        again = await client.post(path(shared, "corrections"), correction, idempotency_key="correct-once")
        keys = await client.keys()
        read = await client.read_share(str(shared.content["id"]))
    assert again.body == corrected.body
    assert corrected.receipt_checkpoint(keys).size > int(str(corrected.content["position"]))
    assert corrected.content["child"] == shared.content["child"]
    assert set(told(corrected)) == {DARLINGTON_CSC, DURHAM_CSC}
    standing = msgspec.convert(read.content["standing"], Standing)
    assert (standing.what, standing.by) == ("corrected", corrected.content["id"])
    (followed,) = msgspec.convert(read.content["history"], list[Followed])
    assert (followed.type, followed.codes["level"]) == ("record.corrected", "significant_harm")
    assert {each["recipient"] for each in followed.notifications} == {DARLINGTON_CSC, DURHAM_CSC}
    for party in (DARLINGTON, DURHAM):
        data = await pushed(exchange, party, corrected.content["position"])
        assert data.content == correction
        assert [before.id for before in data.history] == [shared.content["id"]]


async def test_what_is_passed_on_later_comes_with_what_was_said_of_it_since(exchange: TestExchange) -> None:
    """A person who places a share after it was corrected passes both on: nobody acts on half of it."""
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(child(address={"description": "the green caravan"})))
        await client.post(path(shared, "corrections"), {"why": "x", "members": {"rationale": "another"}})
    item = told(shared)["queue:routing"].obligation
    async with exchange.operator() as operator:
        position = await operator.resolve(ObligationId(item), by="p.ellis", pass_to="E06000047")

    data = await pushed(exchange, DURHAM, position)
    assert isinstance(data.content, dict)
    assert data.content["rationale"] == share()["rationale"]
    assert [before.content for before in data.history] == [{"why": "x", "members": {"rationale": "another"}}]
    async with exchange.client(SCHOOL) as client:
        retracted = await client.post(path(shared, "retractions"), {"reason": "wrong_child", "why": "the other one"})
        read = await client.read_share(str(shared.content["id"]))
    assert DURHAM_CSC in told(retracted)
    assert [each.type for each in msgspec.convert(read.content["history"], list[Followed])] == [
        "record.corrected",
        "queue.resolved",
        "record.retracted",
    ]
    assert msgspec.convert(read.content["standing"], Standing).what == "retracted"


async def test_a_dispute_by_whoever_was_told_is_kept_beside_the_record_and_told_to_whose_it_is(
    exchange: TestExchange,
) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
    dispute: dict[str, Json] = {"on_behalf_of": "child", "statement": "He says that he fell."}
    async with exchange.client(DARLINGTON) as client:
        disputed = await client.post(path(shared, "disputes"), dispute)
        with pytest.raises(Refused) as refused:
            await client.post(path(shared, "corrections"), {"members": {"rationale": "x"}})
    assert refused.value.problem.code == "not-your-record"
    assert set(told(disputed)) == {DARLINGTON_CSC, "agency:st-hilda-primary"}
    async with exchange.client(NURSERY) as client:
        with pytest.raises(Refused) as refused:
            await client.post(path(shared, "disputes"), dispute)
    assert refused.value.problem.code == "not-your-record"
    async with exchange.client(SCHOOL) as client:
        read = await client.read_share(str(shared.content["id"]))
    standing = msgspec.convert(read.content["standing"], Standing)
    assert (standing.what, standing.disputed_by) == ("as_recorded", [disputed.content["id"]])


async def test_a_withdrawal_of_consent_is_a_fact_beside_the_share_which_stands(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
        withdrawn = await client.post(path(shared, "consent-withdrawals"), {"whose": "parent_or_carer"})
        read = await client.read_share(str(shared.content["id"]))
    assert withdrawn.status == 201
    assert "consent-withdrawn-share-stands" in codes(withdrawn)
    assert set(told(withdrawn)) == set(told(shared))
    standing = msgspec.convert(read.content["standing"], Standing)
    assert (standing.what, standing.consent_withdrawn_by) == ("as_recorded", [withdrawn.content["id"]])


async def test_a_withholding_and_a_report_are_amended_by_their_own_paths_only(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(PRACTICE) as client:
        withheld = await client.withhold(withholding(who))
        corrected = await client.post(
            path(withheld, "corrections", "withholdings"), {"why": "x", "record": {"reasons": ["no_consent"]}}
        )
        with pytest.raises(Refused) as refused:
            await client.post(path(withheld, "retractions"), {"reason": "duplicate"})
    assert refused.value.problem.code == "not-found"
    assert "challenge-no-consent" in codes(corrected, "challenges")
    async with exchange.client(NURSERY) as client:
        reported = await client.report_whereabouts(whereabouts(who, "E06000047"))
        retracted = await client.post(path(reported, "retractions", "whereabouts"), {"reason": "entered_in_error"})
    moved = [
        str(each.recipient)
        for each in await exchange.notifications(NotificationQuery(child=child_ref(reported)))
        if each.entry_type == "child.move_suspected"
    ]
    # A move that was flagged before the retraction told people of the report: they hear of it too.
    assert set(told(retracted)) >= set(moved) or not moved


async def test_a_share_about_a_place_and_no_child_is_amended_too(exchange: TestExchange) -> None:
    about_a_place = share()
    about_a_place |= {"child": None, "place": {"authority": "E06000005", "description": "the arcade"}}
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(about_a_place)
        corrected = await client.post(path(shared, "corrections"), {"why": "x", "members": {"rationale": "y"}})
        read = await client.read_share(str(shared.content["id"]))
    assert set(told(corrected)) == set(told(shared)) == {DARLINGTON_CSC}
    assert msgspec.convert(read.content["standing"], Standing).what == "corrected"


async def test_what_says_nothing_or_names_no_record_is_refused(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
        cases: list[tuple[str, dict[str, Json], str]] = [
            (path(shared, "corrections"), {}, "nothing-said"),
            (path(shared, "disputes"), {"on_behalf_of": "child"}, "nothing-said"),
            (path(shared, "corrections"), {"members": []}, "wrong-types"),
            (f"/v1/shares/{'0' * 32}/retractions", {}, "not-found"),
            ("/v1/shares/nothing/retractions", {}, "not-found"),
        ]
        for wrong, body, code in cases:
            with pytest.raises(Refused) as refused:
                await client.post(wrong, body)
            assert refused.value.problem.code == code
