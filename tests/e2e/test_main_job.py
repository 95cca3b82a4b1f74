"""The main job: a concern reaches whom it must, is owned, is challenged, moves are flagged, nothing is merged."""

import pytest

from cli.story import Story
from client.errors import Refused
from services.ledger.audit.replay import replay_state
from shared.notifier import NotificationQuery
from tests.machinery.answers import child_ref, told
from tests.machinery.exchange import DARLINGTON, NURSERY, PRACTICE, SCHOOL, TestExchange, patiently, running_exchange
from tests.machinery.people import child, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_story_happens_as_it_should(exchange: TestExchange) -> None:
    lines: list[str] = []
    await Story(exchange.local, exchange.parties, lines.append).play()
    assert any("verified:" in line for line in lines)


async def test_a_withholding_is_always_recorded_however_poor_its_reason(exchange: TestExchange) -> None:
    """G10: none is refused, and each that is no reason is challenged."""
    reasons: list[list[str]] = [["gdpr"], ["no_consent"], ["not_my_role"], ["someone_else_will"], ["because"], []]
    async with exchange.client(PRACTICE) as client:
        for given in reasons:
            answer = await client.withhold(withholding(reasons=given))
            assert answer.status == 201
            assert answer.content["challenges"], given
            assert "agency:linthorpe-surgery" in told(answer)


async def test_a_lawful_withholding_passes_quietly(exchange: TestExchange) -> None:
    async with exchange.client(PRACTICE) as client:
        answer = await client.withhold(withholding(reasons=["more_detrimental_to_child"]))
    assert (answer.content["challenges"], answer.content["told"]) == ([], [])


async def test_an_injury_to_a_baby_is_escalated_within_the_hour(exchange: TestExchange) -> None:
    """Scenario 12: the withholding is recorded, and a second decision-maker is asked within the hour."""
    async with exchange.client(PRACTICE) as client:
        answer = await client.withhold(withholding(concern={"indicators": ["injury", "non_mobile_infant"]}))
    assert {name: each.urgency for name, each in told(answer).items()} == {
        "queue:second-decision-maker": "immediate",
        "agency:linthorpe-surgery": "immediate",
    }


async def test_a_move_is_told_to_both_authorities_and_moves_no_responsibility(exchange: TestExchange) -> None:
    """G14: whatever is reported or acknowledged, responsibility stays where it was signed for."""
    who = child()
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(who))
    (notification,) = (each.obligation for each in told(shared).values())
    async with exchange.client(DARLINGTON) as client:
        person = {"name": "Rosalind Achterberg", "role": "duty social worker"}
        await client.acknowledge(notification, {"state": "owned", "person": person})
    async with exchange.client(NURSERY) as client:
        await client.report_whereabouts(whereabouts(who, "E06000047"))
    ref = child_ref(shared)

    async def both_told() -> list[str] | None:
        seen = [
            str(each.recipient)
            for each in await exchange.notifications(NotificationQuery(child=ref))
            if each.entry_type == "child.move_suspected" and each.state == "received"
        ]
        return seen if len(seen) == 2 else None

    assert await patiently(both_told) == ["authority:E06000047", "authority:E06000005"]
    async with exchange.ledger("auditor") as ledger:
        state = await replay_state(ledger.stream(after=-1))
    case = next(case for name, case in state.cases.items() if name == ref)
    assert (case.responsible, case.roles["living_at"]) == ("E06000005", "E06000047")


async def test_children_are_never_merged_by_something_weaker_than_a_traced_number_and_a_date_of_birth(
    exchange: TestExchange,
) -> None:
    """G14: an untraced number, the same name, or a number with another date of birth is a suggestion for a person."""
    who = child()
    number = who["identifiers"][0]["value"]  # type: ignore[index,call-overload]
    likes = [
        {**who, "identifiers": [{"scheme": "nhs_number", "value": number, "traced": False}]},
        {**who, "identifiers": []},
        {**who, "date_of_birth": "2009-01-02"},
    ]
    async with exchange.client() as client:
        original = await client.share(share(who))
        for like in likes:
            answer = await client.share(share(like))
            assert answer.content["child"] != original.content["child"]
            assert "queue:identity" in told(answer)
        same = await client.share(share({**who, "given_names": "spelt otherwise"}))
    assert same.content["child"] == original.content["child"]


async def test_only_whom_a_notification_is_for_may_acknowledge_it(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
        (notification,) = (each.obligation for each in told(shared).values())
        with pytest.raises(Refused) as refused:
            await client.acknowledge(notification, {"state": "owned", "person": {"name": "Somebody Else"}})
    assert (refused.value.problem.status, refused.value.problem.code) == (403, "not-your-notification")


async def test_a_second_run_keeps_its_data_and_what_was_owed_still_goes_out() -> None:
    """The embedded broker's topic is empty after a restart: what was owed goes out all the same."""
    async with running_exchange(NOTIFIER_RECONCILE_INTERVAL_S="2") as exchange:
        async with exchange.operator() as operator:
            await operator.withdraw_endpoint("authority-E06000005")
        async with exchange.client() as client:
            shared = await client.share(share())
        await exchange.local.stop()
        await exchange.local.start()
        await exchange.parties.start_receivers()
        assert str(shared.content["id"]) in {entry.id for entry in await exchange.entries()}
        async with exchange.operator() as operator:
            await exchange.parties.register(operator)
        await exchange.all_signed_for()
        assert (await exchange.audit()).intact
