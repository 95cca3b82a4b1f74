"""Searching by identifier: *none* and *none for you* are the same bytes, and each search is on the record."""

from collections.abc import Mapping

import msgspec
import pytest

from client.errors import Refused
from client.exchange_client import Answer, ExchangeClient
from shared.canonical_json import Json
from shared.entries import Entry
from tests.machinery.answers import child_ref
from tests.machinery.exchange import DARLINGTON, NURSERY, PRACTICE, SCHOOL, TestExchange
from tests.machinery.people import child, nhs_number, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Found(msgspec.Struct, frozen=True):
    ref: str


async def search(client: ExchangeClient, who: Mapping[str, Json]) -> Answer:
    """Look for a child by what identifies it."""
    asked: dict[str, Json] = {"child": {"date_of_birth": who["date_of_birth"], "identifiers": who["identifiers"]}}
    return await client.post("/v1/children/searches", asked)


def found(answer: Answer) -> list[str]:
    return [each.ref for each in msgspec.convert(answer.content["found"], list[Found])]


async def searches(exchange: TestExchange, agency: str) -> list[Entry]:
    return [each for each in await exchange.entries() if each.type == "child.searched" and each.agency == agency]


async def test_who_has_a_part_in_the_case_finds_the_child_and_the_search_is_a_look_at_it(
    exchange: TestExchange,
) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(DARLINGTON) as csc:
        shared = await school.share(share(who))
        assert found(await search(school, who)) == [child_ref(shared)]
        assert found(await search(csc, who)) == [child_ref(shared)]
    last = (await searches(exchange, DARLINGTON.id))[-1]
    assert [subject.ref for subject in last.subjects] == [child_ref(shared)]
    assert set(last.commitments) == {"signature"}
    assert (await exchange.audit()).intact


async def test_none_and_none_for_you_are_the_same_answer(exchange: TestExchange) -> None:
    """A withheld child counts as nobody, even for the authority where it lives."""
    shared_of, withheld_of = child(), child()
    async with exchange.client(SCHOOL) as school, exchange.client(PRACTICE) as practice:
        shared = await school.share(share(shared_of))
        await practice.withhold(withholding(withheld_of))
    async with exchange.client(NURSERY) as nursery, exchange.client(DARLINGTON) as csc:
        nobody = await search(nursery, child())
        nobody_for_you = await search(nursery, shared_of)
        withheld = await search(csc, withheld_of)
    assert nobody.body == nobody_for_you.body == withheld.body == b'{"kind":"search","looked_up":1,"found":[]}'
    assert {nobody.status, nobody_for_you.status, withheld.status} == {200}
    first, second = (await searches(exchange, NURSERY.id))[-2:]
    assert (first.subjects, first.commitments) == (second.subjects, second.commitments) == ((), {})
    # Who searches for children that are not theirs is seen by auditors, and by nobody else.
    assert (first.facts["known_as"], second.facts["known_as"]) == (None, child_ref(shared))


async def test_only_what_identifies_is_looked_up(exchange: TestExchange) -> None:
    who = child()
    number = nhs_number()
    who["identifiers"] = [{"scheme": "nhs_number", "value": number, "traced": True}]
    untraced: dict[str, Json] = {**who, "identifiers": [{"scheme": "nhs_number", "value": number}]}
    async with exchange.client(SCHOOL) as school:
        await school.share(share(who))
        answer = await search(school, untraced)
        born_otherwise = await search(school, {**who, "date_of_birth": "2001-01-01"})
        empty = await school.post("/v1/children/searches", {})
    assert answer.content == empty.content == {"kind": "search", "looked_up": 0, "found": []}
    assert found(born_otherwise) == []


async def test_a_search_takes_no_other_shape_and_no_stranger(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as school:
        with pytest.raises(Refused) as refused:
            await school.post("/v1/children/searches", {"child": []})
        with pytest.raises(Refused) as method:
            await school.get("/v1/children/searches")
    assert refused.value.problem.code == "wrong-types"
    assert method.value.problem.code == "method-not-allowed"
