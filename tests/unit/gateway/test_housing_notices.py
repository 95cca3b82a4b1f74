"""A housing notice rests on agreement, tells no children's social care, and is never taken for a safeguarding share."""

from collections.abc import Mapping

import pytest

from services.gateway.domain.housing import plan_housing_notice
from services.gateway.domain.planning import Plan
from services.gateway.domain.sharing import plan_share
from shared.canonical_json import Json
from shared.entries import Obligation
from shared.identifiers import EntryId
from shared.vocabulary import WITHOUT_DETAIL
from tests.machinery.circumstances import as_housing_notice, as_share, circumstances
from tests.machinery.people import child, housing_notice, share

BORN_16_YEARS_AGO = "2010-06-01"


def owed(plan: Plan) -> dict[str, Obligation]:
    """Return what a plan owes, by recipient."""
    return {each.recipient: each for each in plan.book.obligations(EntryId("0" * 32))}


def planned(*, who: Mapping[str, Json] | None = None, **members: Json) -> Plan:
    """Return the plan of a notice."""
    return plan_housing_notice(as_housing_notice(housing_notice(who, **members)), circumstances())


def test_with_a_parents_agreement_those_named_are_told_within_fourteen_days_of_it() -> None:
    plan = planned()
    told = owed(plan)
    assert told.keys() == {"agency:linthorpe-surgery", "queue:housing-notices", "agency:westminster-housing"}
    practice = told["agency:linthorpe-surgery"]
    assert practice.reasons == ("housing_notice_gp",)
    assert (practice.due_at, practice.calendar, practice.clock_start) == (
        "2026-12-04T17:00:00.000000Z",
        "calendar_days",
        "agreed",
    )
    assert told["queue:housing-notices"].reasons == ("housing_notice_school",)
    assert plan.book.told_authorities == ()
    assert not plan.role_facts


def test_the_placing_agency_sees_the_move_and_the_area_and_not_the_accommodation() -> None:
    plan = planned()
    assert owed(plan)["agency:westminster-housing"].reasons == (WITHOUT_DETAIL,)
    assert plan.facts["area"] == "E10000012"
    assert "4 Example Court" not in repr((plan.facts, plan.acted_on))


@pytest.mark.parametrize(
    ("agreement", "advice"),
    [
        ({"status": "refused", "by": "parent"}, "housing-refusal-lawful"),
        ({"status": "withdrawn", "by": "parent"}, "housing-refusal-lawful"),
        ({"status": "not_asked"}, "housing-agreement-missing"),
        ({}, "housing-agreement-missing"),
        ({"status": "perhaps", "by": "parent"}, "housing-agreement-unknown"),
        ({"status": "given"}, "housing-agreement-by-missing"),
        ({"status": "given", "by": "landlord"}, "housing-agreement-by-missing"),
        ({"status": "given", "by": "applicant_16_or_17"}, "housing-applicant-age"),
    ],
)
def test_without_agreement_nobody_named_is_told_and_nothing_escalates(agreement: Json, advice: str) -> None:
    plan = planned(agreement=agreement)
    assert advice in plan.advice
    assert owed(plan).keys() == {"agency:westminster-housing"}
    assert not plan.challenges


def test_an_applicant_of_sixteen_may_agree_for_herself() -> None:
    agreement: Json = {"status": "given", "by": "applicant_16_or_17", "on": "2026-11-20"}
    plan = planned(who=child(date_of_birth=BORN_16_YEARS_AGO), agreement=agreement)
    assert "agency:linthorpe-surgery" in owed(plan)


def test_with_nobody_named_a_person_is_asked_and_an_agreement_to_come_starts_no_clock() -> None:
    plan = planned(tell=[], agreement={"status": "given", "by": "parent", "on": "2027-01-01"})
    assert "housing-recipients-missing" in plan.advice
    waiting = owed(plan)["queue:housing-notices"]
    assert (waiting.due_at, waiting.clock_start) == ("2026-12-09T17:00:00.000000Z", "recorded")


def test_a_placing_agency_that_is_not_in_the_exchange_is_told_by_a_person() -> None:
    plan = planned(placed_by="another-borough", agreement={"status": "refused"})
    assert owed(plan)["queue:housing-notices"].reasons == (WITHOUT_DETAIL,)


def test_a_concern_about_the_same_child_goes_its_own_way_whatever_was_refused() -> None:
    who = child(address={"authority": "E07000073"})
    refused = planned(who=who, agreement={"status": "refused", "by": "parent"})
    concern = plan_share(as_share(share(who)), circumstances())
    assert refused.facts["agreed"] == "refused"
    assert "consent" not in refused.facts
    assert "reasons" not in refused.facts
    assert owed(concern).keys() == {"authority:E10000012"}
