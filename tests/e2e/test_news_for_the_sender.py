"""A sender hears what became of its record: by a signed push if its system takes pushes, and by reading it always."""

import msgspec
import pytest

from cli.parties import PushedData
from client.exchange_client import Answer
from shared.canonical_json import Json
from tests.machinery.answers import told
from tests.machinery.exchange import DARLINGTON, PRACTICE, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")

CSC = "authority:E06000005"
PERSON: Json = {"name": "Rosalind Achterberg", "role": "duty social worker"}


class Shown(msgspec.Struct, frozen=True):
    """One notification as its sender reads of it."""

    recipient: str
    state: str
    outcome: str | None
    overdue: bool


def notification(answer: Answer) -> Shown:
    """Return how far children's social care of Darlington has come."""
    shown = msgspec.convert(answer.content["notifications"], list[Shown])
    return next(each for each in shown if each.recipient == CSC)


async def own_and_decide(exchange: TestExchange, shared: Answer) -> None:
    """Have Darlington own what it was told of, and decide."""
    obligation = told(shared)[CSC].obligation
    async with exchange.client(DARLINGTON) as csc:
        await csc.acknowledge(obligation, {"state": "owned", "person": PERSON})
        await csc.acknowledge(obligation, {"state": "decided", "person": PERSON, "outcome": "section_47_enquiry"})


async def test_a_system_that_takes_pushes_is_told_that_its_share_was_received_owned_and_decided(
    exchange: TestExchange,
) -> None:
    async with exchange.client(PRACTICE) as client:
        shared = await client.share(share(child(address={"authority": "E06000005"})))

        async def received() -> bool | None:
            shown = notification(await client.read_share(str(shared.content["id"])))
            return True if shown.state == "received" else None

        assert await patiently(received)
    await own_and_decide(exchange, shared)
    about = told(shared)[CSC].obligation

    async def news() -> dict[str, PushedData] | None:
        events = await exchange.parties.pushed_to(PRACTICE)
        found: dict[str, PushedData] = {}
        for event in events:
            facts = event.data.entry["facts"]
            if isinstance(facts, dict) and facts.get("obligation") == about:
                found[str(facts["state"])] = event.data
        return found if {"received", "owned", "decided"} <= found.keys() else None

    pushed = await patiently(news)
    assert pushed is not None
    # Who it is stays sealed with the authority's own words; the sender hears the code of the outcome.
    facts = pushed["decided"].entry["facts"]
    assert isinstance(facts, dict)
    assert facts["outcome"] == "section_47_enquiry"
    assert all(each.content is None for each in pushed.values())


async def test_a_sender_reads_the_outcome_and_nothing_is_owed_to_one_that_takes_no_pushes(
    exchange: TestExchange,
) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(child(address={"authority": "E06000005"})))
        assert notification(await client.read_share(str(shared.content["id"]))).outcome is None
        await own_and_decide(exchange, shared)
        shown = notification(await client.read_share(str(shared.content["id"])))
    assert (shown.state, shown.outcome, shown.overdue) == ("decided", "section_47_enquiry", False)
    about = told(shared)[CSC].obligation
    steps = [each for each in await exchange.entries() if each.facts.get("obligation") == about]
    assert {"notification.owned", "notification.decided"} <= {each.type for each in steps}
    assert not any(each.obligations for each in steps)
