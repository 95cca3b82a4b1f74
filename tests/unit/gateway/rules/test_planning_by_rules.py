"""What the rules change in a plan: lawful bases by duty class, private fostering, and what brooks no delay."""

import pytest

from services.gateway.domain.planning import Plan
from services.gateway.domain.sharing import plan_share
from services.gateway.domain.whereabouts import plan_whereabouts
from services.gateway.domain.withholding import plan_withholding
from shared.canonical_json import Json
from shared.entries import Obligation
from shared.identifiers import EntryId
from shared.vocabulary import Urgency
from tests.machinery.circumstances import (
    agency,
    as_share,
    as_whereabouts,
    as_withholding,
    circumstances,
)
from tests.machinery.people import child, share, whereabouts, withholding

CHARITY = agency(duty_class="voluntary_other")
TRUST = agency(duty_class="s11_body")
BEFORE_RECOGNISED_INTEREST = "2026-02-04T12:00:00Z"


def owed(plan: Plan) -> dict[str, Obligation]:
    """Return what a plan owes, by recipient."""
    return {each.recipient: each for each in plan.book.obligations(EntryId("0" * 32))}


def basis(
    article_6: str | None, condition: str = "sch1_para18", *, who: dict[str, Json] | None = None
) -> dict[str, Json]:
    """Return a share that rests on a basis."""
    return share(who, lawful_basis={"article_6": article_6, "condition": condition})


def test_a_charity_may_rely_on_recognised_legitimate_interest_and_a_public_authority_may_not() -> None:
    record = as_share(basis("6(1)(ea)"))
    assert "basis-not-for-public-bodies" not in plan_share(record, circumstances(of=CHARITY)).advice
    refused = plan_share(record, circumstances(of=TRUST))
    assert "basis-not-for-public-bodies" in refused.advice
    assert "authority:E06000005" in owed(refused)


def test_a_basis_is_judged_by_the_law_of_the_day() -> None:
    record = as_share(basis("6(1)(ea)"))
    assert "basis-not-yet-law" in plan_share(record, circumstances(BEFORE_RECOGNISED_INTEREST, of=CHARITY)).advice
    assert "basis-not-yet-law" not in plan_share(record, circumstances(of=CHARITY)).advice


def test_a_charity_without_a_basis_is_told_the_one_made_for_it_and_a_trust_is_told_its_duty() -> None:
    record = as_share(basis(None))
    assert "basis-recognised-interest" in plan_share(record, circumstances(of=CHARITY)).advice
    of_trust = plan_share(record, circumstances(of=TRUST)).advice
    assert "duty-to-share-england" in of_trust
    assert "basis-recognised-interest" not in of_trust


def test_paragraph_19_fits_no_child_and_fits_a_young_person_of_eighteen() -> None:
    assert "condition-not-for-children" in plan_share(as_share(basis("6(1)(c)", "sch1_para19")), circumstances()).advice
    grown = basis("6(1)(c)", "sch1_para19", who=child(date_of_birth="2008-01-01"))
    assert "condition-not-for-children" not in plan_share(as_share(grown), circumstances()).advice


@pytest.mark.parametrize("consent", ["refused", "withdrawn", "not_sought", None])
def test_consent_gates_nothing(consent: str | None) -> None:
    plan = plan_share(as_share(share(consent={"status": consent})), circumstances())
    assert owed(plan).keys() == {"authority:E06000005"}
    assert ("consent-never-gates" in plan.advice) == (consent in ("refused", "withdrawn"))


@pytest.mark.parametrize("until", ["2026-11-23", "2026-11-23T23:59:59Z"])
def test_a_policy_document_past_its_date_on_the_day_is_said_and_holds_nothing_up(until: str) -> None:
    sender = agency(policy_document_until=until, agreement_until=until)
    late = plan_share(as_share(share()), circumstances("2026-11-24T10:50:00Z", of=sender))
    assert {"policy-document-expired", "agreement-expired"} <= set(late.advice)
    assert "authority:E06000005" in owed(late)
    in_time = plan_share(as_share(share()), circumstances("2026-11-23T10:50:00Z", of=sender))
    assert not {"policy-document-expired", "agreement-expired"} & set(in_time.advice)


STUDENT: dict[str, Json] = child(
    date_of_birth="2011-05-02",
    identifiers=[],
    address={"authority": "E06000058"},
    care_arrangement={"carer": "host_family", "since": "2026-11-04", "days": 77},
)


def fostered(arrangement: dict[str, Json], **members: Json) -> list[str]:
    """Return the advice on the whereabouts of a child who lives with somebody."""
    who: dict[str, Json] = {**STUDENT, **members, "care_arrangement": arrangement}
    return plan_whereabouts(as_whereabouts(whereabouts(who, "E06000058")), circumstances()).advice


def test_a_language_student_with_a_host_family_is_private_fostering_and_the_authority_is_notified() -> None:
    early: dict[str, Json] = {"level": "early_help", "seen_or_said": "He stays with a family for eleven weeks."}
    plan = plan_share(as_share(share(STUDENT, concern=early)), circumstances())
    assert {"private-fostering", "private-fostering-at-once"} <= set(plan.advice)
    told = owed(plan)["authority:E06000058"]
    assert "private_fostering" in told.reasons
    assert told.urgency == Urgency.ONE_WORKING_DAY


def test_a_report_of_whereabouts_notifies_of_private_fostering_too() -> None:
    plan = plan_whereabouts(as_whereabouts(whereabouts(STUDENT, "E06000058")), circumstances())
    assert owed(plan)["authority:E06000058"].reasons == ("private_fostering",)


@pytest.mark.parametrize(
    ("arrangement", "notice"),
    [
        ({"carer": "host_family", "since": "2027-01-05", "days": 28}, "private-fostering-six-weeks-before"),
        ({"carer": "host_family", "since": "2027-01-04", "days": 28}, "private-fostering-at-once"),
        ({"carer": "cousin", "since": "2026-10-01"}, "private-fostering-at-once"),
        ({"carer": "neighbour", "days": 40, "emergency": True}, "private-fostering-emergency"),
        ({"carer": "neighbour", "since": "2026-10-01", "until": "2026-11-24"}, "private-fostering-ended"),
    ],
)
def test_the_notice_that_is_due_is_named(arrangement: dict[str, Json], notice: str) -> None:
    found = [code for code in fostered(arrangement) if code.startswith("private-fostering-")]
    assert found == [notice]


@pytest.mark.parametrize(
    ("arrangement", "members"),
    [
        ({"carer": "grandparent", "days": 100}, {}),
        ({"carer": "Step_Parent", "days": 100}, {}),
        ({"carer": "host_family", "days": 27}, {}),
        ({"carer": "NOT_KNOWN", "days": 100}, {}),
        ({"carer": "host_family", "days": 100}, {"date_of_birth": "2010-11-24"}),
        ({"carer": "host_family", "days": 100}, {"looked_after_by": "E06000058"}),
        ({"carer": "local_authority_foster_carer", "days": 100}, {}),
    ],
)
def test_what_is_no_private_fostering_is_not_called_so(arrangement: dict[str, Json], members: dict[str, Json]) -> None:
    assert "private-fostering" not in fostered(arrangement, **members)


def test_a_disabled_young_person_is_privately_fostered_until_eighteen() -> None:
    arrangement: dict[str, Json] = {"carer": "host_family", "days": 100}
    assert "private-fostering" in fostered(arrangement, date_of_birth="2008-11-25", disabled=True)
    assert "private-fostering" not in fostered(arrangement, date_of_birth="2008-11-24", disabled=True)


def test_a_stay_of_unknown_length_is_asked_about() -> None:
    assert "private-fostering-length-missing" in fostered({"carer": "host_family", "since": "2026-11-04"})


@pytest.mark.parametrize(
    ("born", "indicators"),
    [
        ("2026-08-20", ["injury"]),
        ("2026-05-25", ["injury"]),
        (None, ["injury", "non_mobile_infant"]),
        ("2014-01-01", ["sexual_activity"]),
        (None, ["Under_13_Sexual_Activity"]),
    ],
)
def test_what_brooks_no_delay_is_told_at_once_and_reviewed_within_the_hour(
    born: str | None, indicators: list[Json]
) -> None:
    who = child(date_of_birth=born)
    concern: dict[str, Json] = {"level": "early_help", "seen_or_said": "As seen.", "indicators": indicators}
    shared = plan_share(as_share(share(who, concern=concern, recipients=["E06000047"])), circumstances())
    assert "told-at-once" in shared.advice
    assert owed(shared)["authority:E06000005"].urgency == Urgency.IMMEDIATE
    withheld = plan_withholding(as_withholding(withholding(who, concern={"indicators": indicators})), circumstances())
    assert "queue:second-decision-maker" in owed(withheld)
    assert owed(withheld)["agency:st-hilda-primary"].urgency == Urgency.IMMEDIATE


@pytest.mark.parametrize(
    ("born", "indicators"),
    [("2026-05-24", ["injury"]), ("2013-11-24", ["sexual_activity"]), (None, ["injury"]), (None, ["sexual_activity"])],
)
def test_what_leaves_the_day_is_reviewed_the_same_day(born: str | None, indicators: list[Json]) -> None:
    who = child(date_of_birth=born)
    withheld = plan_withholding(as_withholding(withholding(who, concern={"indicators": indicators})), circumstances())
    assert "same-day-review" in withheld.advice
    assert owed(withheld).keys() == {"agency:st-hilda-primary", "queue:second-decision-maker"}
    assert owed(withheld)["agency:st-hilda-primary"].urgency == Urgency.SAME_DAY


def test_a_lawful_withholding_passes_quietly_whatever_was_observed() -> None:
    record = withholding(reasons=["reg13_3_risk"], concern={"level": "significant_harm", "indicators": ["injury"]})
    plan = plan_withholding(as_withholding(record), circumstances())
    assert not owed(plan)
    assert not plan.challenges
