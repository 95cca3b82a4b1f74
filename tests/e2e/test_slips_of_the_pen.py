"""What a sender's system got nearly right is recorded, and the answer says what was not understood."""

from collections.abc import Mapping

import msgspec
import pytest

from client.errors import Refused
from client.exchange_client import Answer
from shared.canonical_json import Json
from tests.machinery.answers import codes, objects, told
from tests.machinery.exchange import DARLINGTON, TestExchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

CSC = "authority:E06000005"
PERSON: Json = {"name": "Rosalind Achterberg", "role": "duty social worker"}
TAKEN_BACK: Mapping[str, Json] = {
    "practitioner": PERSON,
    "why": "Entered for the wrong child.",
    "reason": "wrong_child",
}


def meant(answer: Answer) -> list[object]:
    """Return the members that the answer takes to be misspelt."""
    (said,) = [each for each in objects(answer, "advice") if each["code"] == "member-misspelt"]
    return msgspec.convert(said["members"], list[object])


async def test_a_misspelt_member_is_pointed_at_and_the_concern_is_passed_on(exchange: TestExchange) -> None:
    body = share()
    body["concrn"] = body.pop("concern")
    async with exchange.client() as client:
        answer = await client.share(body)
        assert meant(answer) == ["/concern"]
        assert CSC in told(answer)
        assert "member-misspelt" not in codes(await client.share(share()))


async def test_a_record_that_is_refused_for_a_misspelt_member_says_which(exchange: TestExchange) -> None:
    body = share()
    body["chlid"] = body.pop("child")
    async with exchange.client() as client:
        with pytest.raises(Refused) as refused:
            await client.share(body)
    assert refused.value.problem.status == 422
    assert "/child" in refused.value.remedy
    assert "chlid" not in str(refused.value)


async def test_an_outcome_that_is_none_of_the_list_is_other_and_that_is_said(exchange: TestExchange) -> None:
    async with exchange.client() as client:
        owed = told(await client.share(share()))[CSC].obligation
    async with exchange.client(DARLINGTON) as csc:
        owned = await csc.acknowledge(owed, {"state": "owned", "person": PERSON})
        assert (owned.content["result"], owned.content["advice"]) == ("accepted", [])
        decided = await csc.acknowledge(owed, {"state": "decided", "person": PERSON, "outcome": "section_74_enquiry"})
    assert decided.content["outcome"] == "other"
    assert codes(decided) == {"outcome-unknown"}


async def test_what_is_taken_back_stays_so_whatever_is_said_of_it_later(
    exchange: TestExchange,
) -> None:
    async with exchange.client() as client:
        record = str((await client.share(share())).content["id"])
        first = await client.retract(record, TAKEN_BACK)
        again = await client.retract(record, TAKEN_BACK)
        corrected = await client.correct(
            record, {"practitioner": PERSON, "why": "A slip.", "members": {"rationale": "x"}}
        )
        standing = (await client.read_share(record)).content["standing"]
    assert isinstance(standing, dict)
    assert (standing["is"], standing["by"]) == ("retracted", first.content["id"])
    assert "retracted-before" in codes(corrected)
    assert "retracted-before" not in codes(first)
    assert "retracted-before" in codes(again)


async def test_a_correction_of_one_member_lacks_nothing_else(exchange: TestExchange) -> None:
    async with exchange.client() as client:
        record = str((await client.share(share())).content["id"])
        moved: Json = {"child": {"address": {"lines": ["2 Example Terrace"], "authority": "E06000005"}}}
        corrected = await client.correct(record, {"practitioner": PERSON, "why": "Moved.", "members": moved})
    assert not [code for code in codes(corrected) if code.endswith("-missing")]
