"""What a referral form asks: all of it is taken, nothing of it is needed, and what is missing or odd is said."""

import pytest

from services.gateway.domain.said import Answered, answered, may_be
from services.gateway.domain.sharing import plan_share
from shared.canonical_json import Json
from tests.machinery.circumstances import as_share, circumstances
from tests.machinery.people import child, share

REACHABLE: Json = {"name": "Marian Oduya-Finch", "role": "teacher", "contact": {"telephone": "01632 960011"}}
INCIDENT = "6f1a0c9d-3b7e-4f2a-8c5d-1e0b9a7f3c24"
SEEN: dict[str, Json] = {"level": "significant_harm", "seen_or_said": "A linear bruise.", "immediate_danger": False}
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def advice_on(**members: Json) -> set[str]:
    """Return the codes that a share with these members is answered with, and a whole one is not."""
    whole: dict[str, Json] = {"practitioner": REACHABLE, "concern": SEEN}
    return advised({**share(), **whole, **members}) - advised({**share(), **whole})


def advised(record: dict[str, Json]) -> set[str]:
    return set(plan_share(as_share(record), circumstances()).advice)


ODD: dict[str, tuple[dict[str, Json], str]] = {
    "danger not asked": ({"concern": {**SEEN, "immediate_danger": None}}, "danger-missing"),
    "danger said in other words": ({"concern": {**SEEN, "early_help": "perhaps"}}, "answer-unknown"),
    "danger without a call": ({"concern": {**SEEN, "immediate_danger": True}}, "danger-call-first"),
    "nothing tried": ({"concern": {**SEEN, "level": "child_in_need"}}, "support-tried-missing"),
    "nothing hoped for": ({"concern": {**SEEN, "level": "early_help"}}, "desired-outcome-missing"),
    "kept from somebody": ({"concern": {**SEEN, "keep_from": [{"whom": "father"}]}}, "keep-from-reason-missing"),
    "spoken to nobody": ({"verbal_at": "2026-11-24T10:52:00Z"}, "verbal-to-missing"),
    "spoken at no time": ({"verbal_to": "duty social worker"}, "verbal-at-missing"),
    "written late": ({"verbal_at": "2026-11-22T10:52:00Z", "verbal_to": "duty desk"}, "verbal-written-late"),
    "spoken at no readable time": ({"verbal_at": "this morning", "verbal_to": "duty desk"}, "time-unreadable"),
    "nobody to call back": ({"practitioner": {"name": "M", "role": "teacher"}}, "practitioner-contact-missing"),
    "advice of nobody": ({"advice_sought": [{"role": "lead"}]}, "advice-incomplete"),
    "an attachment unbound": ({"attachments": [{"name": "a drawing", "sha256": "abc"}]}, "attachment-hash-missing"),
    "consents of nobody": ({"consent": [{"status": "given"}, {"status": "refused"}]}, "consent-whose-missing"),
    "an incident by name": ({"incident_ref": "the-marrow-tates"}, "incident-ref-not-random"),
    "a sibling": ({"child": child(household=[{"relationship": "Half-sister"}])}, "siblings-separately"),
    "unborn of nobody": (
        {"child": child(date_of_birth=None, expected_date_of_birth="2027-01-04")},
        "unborn-mother-missing",
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_missing_or_odd_is_said_and_the_share_goes_ahead(case: str) -> None:
    members, code = ODD[case]
    assert code in advice_on(**members)
    assert plan_share(as_share({**share(), **members}), circumstances()).book.told_authorities


def test_nothing_is_said_of_what_is_whole() -> None:
    unborn = child(
        date_of_birth=None,
        expected_date_of_birth="2027-01-04",
        carers=[{"name": "Tamar Bexley-Nunn", "relationship": "mother", "parental_responsibility": "NOT_KNOWN"}],
        household=[{"name": "Ivo Bexley-Nunn", "relationship": "brother"}],
    )
    added = advice_on(
        child=unborn,
        concern={**SEEN, "level": "child_in_need", "support_tried": "A family worker.", "desired_outcome": "A visit."},
        consent=[
            {"status": "not_sought", "no_consent_reason": "cannot_be_given", "whose": "child"},
            {"status": "given", "whose": "mother"},
        ],
        verbal_at="2026-11-24T10:52:00Z",
        verbal_to="the duty social worker",
        advice_sought=[{"whom": "named nurse", "what_they_said": "Refer today."}],
        attachments=[{"name": "a drawing", "sha256": SHA256, "held_by": "the school"}],
        incident_ref=INCIDENT,
    )
    assert added == set()


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (True, Answered.YES),
        (False, Answered.NO),
        ("Yes", Answered.YES),
        ("NOT_KNOWN", Answered.NOT_KNOWN),
        ("NOT_APPLICABLE", Answered.NOT_KNOWN),
        (None, Answered.NOT_ASKED),
        (" ", Answered.NOT_ASKED),
        ("possibly", Answered.UNKNOWN),
    ],
)
def test_not_known_is_an_answer_and_not_asked_is_none(answer: bool | str | None, read: Answered) -> None:
    assert answered(answer) is read


@pytest.mark.parametrize(("answer", "level"), [("possibly", "immediate_danger"), ("NOT_KNOWN", "significant_harm")])
def test_danger_in_words_that_nobody_can_take_for_a_no_is_acted_on(answer: str, level: str) -> None:
    plan = plan_share(as_share(share(concern={**SEEN, "immediate_danger": answer})), circumstances())
    assert plan.acted_on["level"] == level
    assert may_be(answer) is (level == "immediate_danger")


def test_the_weakest_consent_stands_for_all_and_each_subject_needs_a_reason_of_its_own() -> None:
    refused: Json = {"status": "refused", "whose": "father"}
    given: Json = {"status": "given", "whose": "child"}
    plan = plan_share(as_share(share(consent=[given, refused])), circumstances())
    assert plan.facts["consent"] == "refused"
    assert plan.facts["consents"] == [{"status": "given", "reason": None}, {"status": "refused", "reason": None}]
    assert {"consent-never-gates", "no-consent-reason-missing"} <= set(plan.advice)


def test_a_random_reference_links_siblings_in_the_clear_and_a_name_stays_sealed() -> None:
    linked = plan_share(as_share(share(incident_ref=INCIDENT)), circumstances())
    named = plan_share(as_share(share(incident_ref="the-marrow-tates")), circumstances())
    assert (linked.facts["incident"], named.facts["incident"]) == (INCIDENT.replace("-", ""), None)
    assert "marrow" not in str(named.facts)
