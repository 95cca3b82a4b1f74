"""Children who move between areas: told to all who must know, while responsibility stays where it was signed for."""

import pytest

from client.exchange_client import Answer
from services.ledger.audit.replay import replay_state
from shared.notifier import NotificationQuery, NotificationView
from tests.machinery.agencies import new_agency
from tests.machinery.answers import child_ref, codes, told
from tests.machinery.exchange import TestExchange, patiently
from tests.machinery.people import child, housing_notice, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

S11, SCHOOLS = "s11_body", "designated_education_childcare"


async def told_of_a_move(exchange: TestExchange, answer: Answer) -> set[str]:
    """Whom the exchange tells of a suspected move of the child that an answer is about, once it has seen it."""

    async def seen() -> list[NotificationView] | None:
        found = await exchange.notifications(NotificationQuery(child=child_ref(answer)))
        return [each for each in found if each.entry_type == "child.move_suspected"] or None

    return {str(each.recipient) for each in await patiently(seen) or []}


async def test_a_child_on_a_plan_moves_for_good(exchange: TestExchange) -> None:
    """A nursery's registration alone raises the move; the plan's holder stays responsible until somebody signs."""
    who = child(plan_held_by="E06000002", address={"authority": "E06000002"})
    async with new_agency(exchange, "middlesbrough-plan-team", duty_class=S11, home_authority="E06000002") as holder:
        known = await holder.share(share(who, concern={"level": "significant_harm", "seen_or_said": "Neglect."}))
    async with new_agency(exchange, "darlington-nursery", duty_class=SCHOOLS, home_authority="E06000005") as nursery:
        moved = await nursery.report_whereabouts(whereabouts({**who, "plan_held_by": None}, "E06000005"))
    assert child_ref(known) == child_ref(moved)
    assert await told_of_a_move(exchange, moved) == {"authority:E06000005", "authority:E06000002"}
    async with exchange.ledger("auditor") as ledger:
        state = await replay_state(ledger.stream(after=-1))
    case = next(case for name, case in state.cases.items() if name == child_ref(moved))
    assert case.roles["living_at"] == "E06000005"
    assert case.roles["plan_held_by"] == "E06000002"
    assert case.responsible != "E06000005"


async def test_a_share_and_a_withholding_of_one_placement_stand_side_by_side(exchange: TestExchange) -> None:
    """An emergency placement far away: the authority there is told, the father lawfully not, quietly."""
    who = child(
        looked_after_by="E09000008",
        address={"lines": ["7 Example Crescent"], "authority": "E06000009", "protected": "placement"},
        carers=[{"name": "Wren Ashdown-Peel", "relationship": "foster_carer", "protected": "placement"}],
    )
    placement = share(
        who,
        concern={"level": "child_in_need", "seen_or_said": "Placed in an emergency; the father threatened to abduct."},
        rationale="Regulations 11 and 13 of the Care Planning, Placement and Case Review Regulations 2010.",
    )
    async with new_agency(exchange, "croydon-placements", duty_class=S11, home_authority="E09000008") as croydon:
        shared = await croydon.share(placement)
        withheld = await croydon.withhold(
            withholding(
                who,
                reasons=["reg13_3_risk"],
                requested_by={"name": "The father"},
                rationale="He threatened to abduct the child; telling him the address would put the child at risk.",
                reply_to_requester="Told in writing that the address is not given.",
            )
        )
    assert child_ref(shared) == child_ref(withheld)
    assert shared.content["id"] != withheld.content["id"]
    assert {"authority:E06000009", "authority:E09000008"} <= told(shared).keys()
    assert withheld.content["challenges"] == []
    assert told(withheld) == {}
    entries = {entry.id: entry for entry in await exchange.entries()}
    for answer in (shared, withheld):
        clear = repr(entries[answer.content["id"]])  # type: ignore[index]
        assert "Example Crescent" not in clear
        assert "Ashdown" not in clear


async def test_a_homeless_family_without_a_concern(exchange: TestExchange) -> None:
    """A refusal here is lawful and quiet; a concern that comes later goes its own way; the move is seen, no detail."""
    who = child(address=None)
    async with new_agency(exchange, "harlow-housing", duty_class=S11, home_authority="E10000012") as housing:
        refused = await housing.post(
            "/v1/housing-notices",
            housing_notice(who, placed_by="harlow-housing", agreement={"status": "refused", "by": "parent"}),
        )
        quiet = await housing.withhold(
            withholding(who, reasons=["consent_based_notice_refused"], rationale="The parent did not agree.")
        )
        concern = await housing.share(share({**who, "address": {"authority": "E07000073"}}))
    assert not {each for each in told(refused) if each.startswith(("authority:", "police:"))}
    assert "housing-refusal-lawful" in codes(refused)
    assert (quiet.content["challenges"], told(quiet)) == ([], {})
    assert "authority:E10000012" in told(concern)
    assert "consent-never-gates" not in codes(concern)
