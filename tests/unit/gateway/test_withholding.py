"""What a withholding records, whom it is put to and how fast, and what passes quietly."""

import pytest

from services.gateway.domain.planning import Plan
from services.gateway.domain.withholding import plan_withholding
from shared.canonical_json import Json
from shared.entries import Obligation, RoleFact
from shared.identifiers import AuthorityCode, ChildRef, EntryId
from shared.ledger.messages import ResolvedChild
from shared.vocabulary import Urgency
from tests.machinery.circumstances import as_withholding, circumstances
from tests.machinery.people import child, withholding

LEAD, SECOND = "agency:st-hilda-primary", "queue:second-decision-maker"
TEENAGER = {"date_of_birth": "2010-04-01"}
LOOKED_AFTER = ResolvedChild(
    ChildRef("c" * 32), 3, (RoleFact("looked_after_by", AuthorityCode("E06000005")),), similar=()
)
ON_A_PLAN = ResolvedChild(ChildRef("c" * 32), 3, (RoleFact("plan_held_by", AuthorityCode("E06000005")),), similar=())


def plan(record: dict[str, Json], known: ResolvedChild | None = None) -> Plan:
    """Return the plan of a withholding decided on 24 November 2026."""
    dated: dict[str, Json] = {"decided_at": "2026-11-24T10:50:00Z", **record}
    judged_in = circumstances() if known is None else circumstances(known=known)
    return plan_withholding(as_withholding(dated), judged_in)


def owed(planned: Plan) -> dict[str, Obligation]:
    return {each.recipient: each for each in planned.book.obligations(EntryId("0" * 32))}


@pytest.mark.parametrize(
    "reason",
    [
        "gdpr",
        "no_consent",
        "not_my_role",
        "someone_else_will",
        "collected_for_other_purpose",
        "duty_of_confidence",
        "human_rights",
        "no_sharing_agreement",
        "no_system_for_it",
    ],
)
def test_every_misconception_is_put_to_the_lead_and_to_a_second_decision_maker(reason: str) -> None:
    planned = plan(withholding(reasons=[reason]))
    assert len(planned.challenges) == 1
    assert owed(planned).keys() == {LEAD, SECOND}
    assert {each.urgency for each in owed(planned).values()} == {Urgency.ONE_WORKING_DAY}


def test_an_unfilled_form_is_put_to_the_lead_alone() -> None:
    assert owed(plan(withholding(reasons=["not_relevant"], rationale=None))).keys() == {LEAD}


@pytest.mark.parametrize(
    "reason", ["more_detrimental_to_child", "not_relevant", "reg13_3_risk", "young_persons_confidence"]
)
def test_a_lawful_withholding_passes_quietly(reason: str) -> None:
    planned = plan(withholding(child(**TEENAGER), reasons=[reason]))
    assert not owed(planned)
    assert not planned.challenges


def test_a_lawful_reason_does_not_outweigh_an_indicator_of_harm_unless_the_law_says_so() -> None:
    harm: dict[str, Json] = {"level": "significant_harm"}
    despite = plan(withholding(reasons=["not_relevant"], concern=harm))
    assert not despite.challenges
    assert {each.reasons for each in owed(despite).values()} == {("withheld_despite_harm",)}
    assert {each.urgency for each in owed(despite).values()} == {Urgency.SAME_DAY}
    assert not owed(plan(withholding(reasons=["reg13_3_risk"], concern=harm)))


@pytest.mark.parametrize("indicator", ["threats", "forced_marriage"])
def test_a_confidence_ends_where_harm_is_indicated(indicator: str) -> None:
    planned = plan(
        withholding(child(**TEENAGER), reasons=["young_persons_confidence"], concern={"indicators": [indicator]})
    )
    assert planned.challenges == ["challenge-young-persons-confidence"]
    assert owed(planned)[SECOND].urgency == Urgency.SAME_DAY


def test_no_confidence_is_taken_for_granted_under_thirteen() -> None:
    planned = plan(withholding(child(date_of_birth="2013-11-25"), reasons=["young_persons_confidence"]))
    assert planned.challenges == ["challenge-young-persons-confidence"]


@pytest.mark.parametrize("reason", ["gdpr", "not_relevant"])
def test_an_active_plan_brings_it_before_others_within_the_hour(reason: str) -> None:
    named = plan(withholding(child(plan_held_by="E06000005"), reasons=[reason]))
    known = plan(withholding(reasons=[reason]), known=ON_A_PLAN)
    for planned in (named, known):
        assert {each.urgency for each in owed(planned).values()} == {Urgency.IMMEDIATE}
        assert {each.due_at for each in owed(planned).values()} == {"2026-11-25T13:00:00.000000Z"}


def test_being_looked_after_is_no_plan() -> None:
    assert not owed(plan(withholding(reasons=["not_relevant"]), known=LOOKED_AFTER))


def test_the_places_of_a_withholding_work_nowhere() -> None:
    planned = plan(withholding(child(plan_held_by="E06000047")))
    assert planned.role_facts == ()


REPLIES: dict[str, tuple[Json, dict[str, object], set[str]]] = {
    "none": (None, {"replied_in_writing": False, "reply_means": None}, {"requester-reply-missing"}),
    "a text alone": ("Nothing to share.", {"replied_in_writing": True}, {"requester-reply-details-missing"}),
    "whole": (
        {"given": True, "at": "2026-11-24T11:00:00+00:00", "means": "Letter", "text": "Nothing to share."},
        {"replied_in_writing": True, "replied_at": "2026-11-24T11:00:00.000000Z", "reply_means": "letter"},
        set(),
    ),
    "spoken": (
        {"given": True, "at": "2026-11-24T11:00:00Z", "means": "telephone", "text": "Nothing to share."},
        {"replied_in_writing": False, "reply_means": "telephone"},
        {"requester-reply-missing"},
    ),
    "still to be given": (
        {"given": False, "text": "A draft."},
        {"replied_in_writing": False},
        {"requester-reply-missing"},
    ),
    "by means of another name": (
        {"at": "tomorrow", "means": "pigeon", "text": "Nothing."},
        {"replied_in_writing": True, "replied_at": None, "reply_means": "unknown"},
        {"requester-reply-details-missing"},
    ),
}


@pytest.mark.parametrize("case", REPLIES)
def test_whoever_asked_is_owed_a_reply_in_writing(case: str) -> None:
    reply, facts, advice = REPLIES[case]
    asked = plan(withholding(requested_by={"name": "A charity", "what": "anything"}, reply_to_requester=reply))
    assert asked.facts["requested"] is True
    assert facts.items() <= asked.facts.items()
    assert {code for code in asked.advice if code.startswith("requester-reply")} == advice
    assert "Nothing" not in repr(asked.facts)


def test_a_withholding_that_answers_nobody_needs_no_reply() -> None:
    assert not [code for code in plan(withholding()).advice if code.startswith("requester-reply")]


@pytest.mark.parametrize(
    ("given", "due", "advice"),
    [
        ("2026-12-24", "2026-12-24", set()),
        (None, "2026-12-25", {"review-date-missing"}),
        ("soon", "2026-12-25", {"review-date-missing"}),
        ("2026-11-01", "2026-11-01", {"review-date-past"}),
        ("9999-01-01", "2027-11-25", {"review-date-far"}),
    ],
)
def test_every_withholding_has_a_day_of_review(given: str | None, due: str, advice: set[str]) -> None:
    planned = plan(withholding(reasons=["not_relevant"], review_on=given))
    assert planned.facts["review_due_on"] == due
    assert {code for code in planned.advice if code.startswith("review-")} == advice


@pytest.mark.parametrize(
    ("given", "due"), [(None, "2026-11-28"), ("2027-01-01", "2026-11-28"), ("2026-11-26", "2026-11-26")]
)
def test_advice_is_awaited_for_days(given: str | None, due: str) -> None:
    planned = plan(withholding(reasons=["awaiting_advice"], review_on=given))
    assert planned.facts["review_due_on"] == due
    assert ("awaiting-advice-too-long" in planned.advice) == (given != "2026-11-26")
