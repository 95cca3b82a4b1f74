"""Nobody but the agency that withholds can tell *withheld* from *nothing held*: every surface answers the same."""

from collections.abc import Awaitable, Callable

import pytest

from client.errors import Refused
from client.exchange_client import Answer, ExchangeClient
from shared.canonical_json import Json
from shared.ledger.record_history import RecordHistoryQuery
from tests.machinery.answers import told
from tests.machinery.exchange import DARLINGTON, PRACTICE, TestExchange
from tests.machinery.people import child, nhs_number, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODYS = "0" * 32
REVIEW: dict[str, Json] = {"decision": "confirm", "rationale": "x", "reasons": ["not_relevant"]}


async def refused(call: Awaitable[Answer]) -> tuple[int, str, str]:
    """Return the status, code and words by which something is refused."""
    with pytest.raises(Refused) as found:
        await call
    problem = found.value.problem
    return problem.status, problem.code, found.value.detail


SURFACES: dict[str, Callable[[ExchangeClient, str], Awaitable[Answer]]] = {
    "reading it as a share": lambda client, known: client.read_share(known),
    "reading it": lambda client, known: client.get(f"/v1/withholdings/{known}"),
    "correcting it": lambda client, known: client.post(f"/v1/withholdings/{known}/corrections", {"record": {}}),
    "taking it back": lambda client, known: client.post(f"/v1/withholdings/{known}/retractions", {}),
    "disputing it": lambda client, known: client.post(f"/v1/withholdings/{known}/disputes", {"statement": "x"}),
    "disputing it as a share": lambda client, known: client.post(f"/v1/shares/{known}/disputes", {"statement": "x"}),
    "reviewing it": lambda client, known: client.post(f"/v1/withholdings/{known}/reviews", REVIEW),
    "acknowledging what it owes": lambda client, known: client.acknowledge(f"{known}-0", {"state": "received"}),
}


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("outsider", ["an agency", "an authority"])
async def test_a_withholding_is_to_an_outsider_as_though_it_were_not_there(
    exchange: TestExchange, surface: str, outsider: str
) -> None:
    async with exchange.client(PRACTICE) as practice:
        withheld = await practice.withhold(withholding(child()))
    party = DARLINGTON if outsider == "an authority" else None
    async with exchange.client(party) if party is not None else exchange.client() as client:
        of_it = await refused(SURFACES[surface](client, str(withheld.content["id"])))
        of_none = await refused(SURFACES[surface](client, NOBODYS))
    assert of_it == of_none
    assert of_it[:2] == (404, "not-found")


def like(answer: Answer) -> dict[str, object]:
    """Return what an answer says but for what is new in every answer."""
    said = {name: value for name, value in answer.content.items() if name not in {"id", "position", "receipt"}}
    said["told"] = {name: (each.reasons, each.urgency) for name, each in told(answer).items()}
    return {name: value for name, value in said.items() if name not in {"recorded_at", "child"}}


@pytest.mark.parametrize("by", ["a traced number", "a name and a date of birth", "an untraced number"])
@pytest.mark.parametrize("record", ["share", "share without a place", "whereabouts", "withholding", "assessment"])
async def test_what_is_withheld_changes_nothing_of_what_others_are_answered(
    exchange: TestExchange, record: str, by: str
) -> None:
    def person() -> dict[str, Json]:
        number = nhs_number()
        who: dict[str, Json] = child(
            identifiers=[{"scheme": "nhs_number", "value": number, "traced": by == "a traced number"}],
            given_names=f"Arden {number}",
            address={"authority": "E06000047"},
            plan_held_by="E06000002",
        )
        return {**who, "identifiers": []} if by == "a name and a date of birth" else who

    known, unknown = person(), person()
    async with exchange.client(PRACTICE) as practice:
        withheld = await practice.withhold(withholding(known, reasons=["more_detrimental_to_child"]))
        assert withheld.status == 201

    async def answered(client: ExchangeClient, who: dict[str, Json]) -> Answer:
        bare = {name: value for name, value in who.items() if name not in {"address", "plan_held_by"}}
        match record:
            case "share":
                return await client.share(share({**bare, "address": {"authority": "E06000005"}}))
            case "share without a place":
                return await client.share(share(bare))
            case "whereabouts":
                return await client.report_whereabouts(whereabouts(bare, "E06000005"))
            case "withholding":
                return await client.withhold(withholding(bare))
            case _:
                return await client.assess(share(bare))

    async with exchange.client() as school:
        of_withheld, of_unknown = await answered(school, known), await answered(school, unknown)
    if record == "assessment":
        timed = {"would_tell"}
        assert {k: v for k, v in of_withheld.content.items() if k not in timed} == {
            k: v for k, v in of_unknown.content.items() if k not in timed
        }
        return
    assert like(of_withheld) == like(of_unknown)


async def test_whoever_is_told_of_the_share_is_not_told_of_the_withholding_it_followed(exchange: TestExchange) -> None:
    """What is later said of the withholding goes to whom it was put to, never to whom the share was told."""
    who = child()
    async with exchange.client(PRACTICE) as practice:
        withheld = await practice.withhold(withholding(who))
        await practice.share(share(who, after_withholding=str(withheld.content["id"])))
        retracted = await practice.post(
            f"/v1/withholdings/{withheld.content['id']}/retractions", {"reason": "entered_in_error", "why": "Shared."}
        )
    assert not [recipient for recipient in told(retracted) if recipient.startswith(("authority:", "police:"))]


async def test_another_agencys_withholding_is_named_as_though_it_were_none(exchange: TestExchange) -> None:
    async with exchange.client(PRACTICE) as practice:
        withheld = await practice.withhold(withholding(child()))
    async with exchange.client() as school:
        of_it = await school.share(share(child(), after_withholding=str(withheld.content["id"])))
        of_none = await school.share(share(child(), after_withholding=NOBODYS))
    assert like(of_it) == like(of_none)
    assert "withholding-not-found" in repr(of_it.content["advice"])


async def test_a_place_that_is_withheld_shows_nobody_a_move(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client() as school, exchange.client(PRACTICE) as practice:
        shared = await school.share(share(who))
        await practice.withhold(withholding({**who, "address": {"authority": "E06000047"}}, reasons=["reg13_3_risk"]))
        later = await school.share(share({**who, "address": None}))
    assert list(told(later)) == ["authority:E06000005"]
    async with exchange.ledger("auditor") as ledger:
        history = await ledger.record_history(RecordHistoryQuery(shared.content["id"]).entry_id)  # type: ignore[arg-type]
    assert {fact.authority for fact in history.roles} == {"E06000005"}
