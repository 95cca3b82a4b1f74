"""The rules' data and functions belong together: one to one, dated without overlap, and complete for every answer."""

import ast
import itertools
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import services.gateway
from services.gateway.api.problem_types import PROBLEMS
from services.gateway.domain.law import LawOfTheDay, TimeGiven
from services.gateway.domain.rules.care import CareOfChild
from services.gateway.domain.rules.case import UNKNOWN, Case, LevelAsGiven
from services.gateway.domain.rules.predicates import DUTIES, NOTICED, PREDICATES
from shared.errors import InvalidInput, NotFound
from shared.reference.rules import ANY, NATIONS, RecordKind, Rule, load_rules
from shared.vocabulary import DutyClass, Level, RuleAnswer
from tests.machinery.circumstances import agency

BOOK = load_rules()
ON = date(2026, 11, 24)
LAW = LawOfTheDay(ON, TimeGiven.USABLE, "2026-11-24T10:50:00.000000Z")

SILENT = Case(
    kind=RecordKind.SHARE,
    agency=agency(),
    law=LAW,
    in_duty=True,
    level=LevelAsGiven(Level.SIGNIFICANT_HARM),
    consent="not_sought",
    no_consent_reason="would_prejudice_protection",
    family_informed="yes",
    article_6="6(1)(c)",
    condition="sch1_para18",
    reasons=("not_relevant",),
    agreed="given",
    agreed_by="parent",
)
"""A case in which every rule is silent but those that speak whenever they are in force."""

HOST = CareOfChild(
    born=date(2011, 5, 2), disabled=False, looked_after=False, carer="host_family", since=date(2026, 11, 4), days=77
)
BRUISED_INFANT = frozenset({"injury", "non_mobile_infant"})

SPEAKING: dict[str, Case] = {
    "duty-to-share-england": replace(SILENT, article_6="6(1)(a)"),
    "duty-to-report-wales": replace(SILENT, kind=RecordKind.WITHHOLDING, reasons=("gdpr",)),
    "wales-tell-where-it-happened": replace(SILENT, where_it_happened_given=False),
    "scotland-own-procedures": SILENT,
    "northern-ireland-gateway": SILENT,
    "northern-ireland-crime-to-police": replace(SILENT, possible_crime=True),
    "judged-by-law-of-today": replace(SILENT, law=LawOfTheDay(ON, TimeGiven.MISSING, None)),
    "decided-in-future": replace(SILENT, law=LawOfTheDay(ON, TimeGiven.FUTURE, None)),
    "time-unreadable": replace(SILENT, law=LawOfTheDay(ON, TimeGiven.UNREADABLE, None)),
    "level-unknown": replace(SILENT, level=LevelAsGiven(Level.IMMEDIATE_DANGER, UNKNOWN)),
    "level-missing": replace(SILENT, level=LevelAsGiven(Level.IMMEDIATE_DANGER, "missing")),
    "concern-text-missing": replace(SILENT, observation_given=False),
    "practitioner-missing": replace(SILENT, practitioner_named=False),
    "rationale-missing": replace(SILENT, rationale_given=False),
    "format-unknown": replace(SILENT, format_known=False),
    "told-at-once": replace(SILENT, indicators=BRUISED_INFANT),
    "consent-missing": replace(SILENT, consent=None),
    "consent-unknown": replace(SILENT, consent=UNKNOWN),
    "consent-never-gates": replace(SILENT, consent="refused"),
    "informed-missing": replace(SILENT, family_informed="not_known"),
    "informed-reason-missing": replace(SILENT, family_informed="no"),
    "informed-reason-unknown": replace(SILENT, family_informed="no", reason_not_informed=UNKNOWN),
    "basis-missing": replace(SILENT, article_6=None),
    "basis-unknown": replace(SILENT, article_6=UNKNOWN),
    "basis-consent-for-safeguarding": replace(SILENT, article_6="6(1)(a)"),
    "basis-contract-for-safeguarding": replace(SILENT, article_6="6(1)(b)"),
    "basis-vital-interests-only": replace(SILENT, article_6="6(1)(d)"),
    "basis-not-for-public-bodies": replace(SILENT, article_6="6(1)(ea)"),
    "basis-not-yet-law": replace(SILENT, article_6="6(1)(ea)"),
    "basis-recognised-interest": replace(SILENT, article_6=None),
    "basis-balancing-test": replace(SILENT, article_6="6(1)(f)"),
    "basis-no-general-duty": replace(SILENT, in_duty=False),
    "condition-missing": replace(SILENT, condition=None),
    "condition-unknown": replace(SILENT, condition=UNKNOWN),
    "condition-consent-for-safeguarding": replace(SILENT, condition="explicit_consent"),
    "condition-not-for-children": replace(SILENT, condition="sch1_para19"),
    "condition-needs-secrecy": replace(SILENT, condition="health_or_social_care"),
    "no-consent-reason-missing": replace(SILENT, no_consent_reason=None),
    "policy-document-missing": replace(SILENT, agency=agency(policy_document=None)),
    "policy-document-expired": replace(SILENT, agency=agency(policy_document_until="2026-11-23")),
    "agreement-missing": replace(SILENT, agency=agency(agreement=None)),
    "agreement-expired": replace(SILENT, agency=agency(agreement_until="2026-11-23")),
    "private-fostering": replace(SILENT, care=HOST),
    "private-fostering-length-missing": replace(SILENT, care=replace(HOST, days=None)),
    "private-fostering-six-weeks-before": replace(SILENT, care=replace(HOST, since=date(2027, 1, 10))),
    "private-fostering-at-once": replace(SILENT, care=HOST),
    "private-fostering-emergency": replace(SILENT, care=replace(HOST, emergency=True)),
    "private-fostering-ended": replace(SILENT, care=replace(HOST, until=date(2026, 11, 23))),
    "housing-refusal-lawful": replace(SILENT, agreed="refused"),
    "housing-agreement-missing": replace(SILENT, agreed="not_asked"),
    "housing-agreement-unknown": replace(SILENT, agreed=UNKNOWN),
    "housing-agreement-by-missing": replace(SILENT, agreed_by=None),
    "housing-applicant-age": replace(SILENT, agreed_by="applicant_16_or_17", care=replace(HOST, carer="parent")),
    "housing-recipients-missing": replace(SILENT, recipients_named=False),
    "housing-placed-by-missing": replace(SILENT, placed_by_named=False),
    "challenge-gdpr": replace(SILENT, reasons=("gdpr",)),
    "challenge-no-consent": replace(SILENT, reasons=("no_consent",)),
    "challenge-not-my-role": replace(SILENT, reasons=("not_my_role",)),
    "challenge-someone-else-will": replace(SILENT, reasons=("someone_else_will",)),
    "challenge-other-purpose": replace(SILENT, reasons=("collected_for_other_purpose",)),
    "challenge-confidentiality": replace(SILENT, reasons=("duty_of_confidence",)),
    "challenge-human-rights": replace(SILENT, reasons=("human_rights",)),
    "challenge-no-agreement": replace(SILENT, reasons=("no_sharing_agreement",)),
    "challenge-no-system": replace(SILENT, reasons=("no_system_for_it",)),
    "challenge-young-persons-confidence": replace(
        SILENT, reasons=("young_persons_confidence",), care=replace(HOST, born=date(2013, 11, 25))
    ),
    "challenge-reason-missing": replace(SILENT, reasons=()),
    "challenge-reason-unknown": replace(SILENT, reasons=(UNKNOWN,)),
    "challenge-rationale-missing": replace(SILENT, rationale_given=False),
    "same-day-review": replace(SILENT, reasons=("gdpr",), indicators=frozenset({"significant_harm"})),
    "second-decision-maker": replace(SILENT, reasons=("gdpr",), indicators=BRUISED_INFANT),
    "review-date-missing": replace(SILENT, review_given=False),
    "review-date-past": replace(SILENT, review_on=date(2026, 11, 23)),
    "review-date-far": replace(SILENT, review_on=date(2027, 11, 25)),
    "awaiting-advice-too-long": replace(SILENT, reasons=("awaiting_advice",), review_on=date(2026, 11, 28)),
    "requester-reply-missing": replace(SILENT, requested=True),
    "requester-reply-details-missing": replace(SILENT, requested=True, replied=True, reply_complete=False),
    **{code: replace(SILENT, noticed=frozenset({code})) for code in NOTICED},
}
WHENEVER_IN_FORCE = {"scotland-own-procedures", "northern-ireland-gateway"}


def test_every_rule_has_one_function_and_every_function_its_rule() -> None:
    assert {rule.id for rule in BOOK.rules} == set(PREDICATES)


@pytest.mark.parametrize("code", PREDICATES)
def test_every_rule_speaks_when_it_should_and_is_silent_when_all_is_well(code: str) -> None:
    assert PREDICATES[code](SPEAKING[code])
    if code not in WHENEVER_IN_FORCE:
        assert not PREDICATES[code](SILENT)


def test_no_two_versions_of_a_rule_hold_for_one_decision() -> None:
    for one, other in itertools.combinations(BOOK.rules, 2):
        assert not (one.id == other.id and _together(one, other)), one.id


def test_no_period_ends_before_it_begins_and_every_rule_of_now_has_been_written() -> None:
    for rule in BOOK.rules:
        assert (
            rule.effective_from is None or rule.effective_until is None or rule.effective_from <= rule.effective_until
        )
        assert rule.text.endswith(".")


def test_no_rule_can_refuse_and_whoever_challenges_or_escalates_says_by_when() -> None:
    assert set(RuleAnswer) == {RuleAnswer.ADVISE, RuleAnswer.CHALLENGE, RuleAnswer.ESCALATE}
    for rule in BOOK.rules:
        assert (rule.within is None) == (rule.answer is RuleAnswer.ADVISE), rule.id


def test_every_advice_code_of_the_answers_is_a_rule() -> None:
    known = {rule.id for rule in BOOK.rules} | set(PROBLEMS) | {"version-conflict"}
    found: set[str] = set()
    for file in (Path(services.gateway.__file__).parent / "domain").rglob("*.py"):
        if file.name != "predicates.py" and file.name != "care.py" and file.name != "fostering.py":
            found |= {
                node.value
                for node in ast.walk(ast.parse(file.read_text("utf-8")))
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(r"[a-z]+(-[a-z]+)+", node.value)
            }
    assert len(found) > 20
    assert found <= known


def test_the_duties_are_rules_and_begin_when_the_law_did() -> None:
    england, wales = (BOOK.versions(duty) for duty in DUTIES)
    assert [rule.effective_from for rule in england] == [date(2026, 9, 30)]
    assert [rule.effective_from for rule in wales] == [date(2016, 4, 6)]


def test_a_set_of_rules_is_named_by_its_last_revision_and_its_very_bytes(tmp_path: Path) -> None:
    revised = max(rule.revised for rule in BOOK.rules)
    assert re.fullmatch(rf"rules/{revised}/[0-9a-f]{{16}}", BOOK.id)
    changed = tmp_path / "rules.csv"
    original = (Path(services.gateway.__file__).parents[2] / "shared" / "reference" / "data" / "rules.csv").read_text()
    changed.write_text(original.replace("Say what was seen", "Say all that was seen"))
    assert load_rules(changed).id != BOOK.id


@pytest.mark.parametrize(
    "row",
    [
        "x,2026-13-01,,any,any,any,advise,,Text.,Source,2026-11-25",
        "x,,,England; Atlantis,any,any,advise,,Text.,Source,2026-11-25",
        "x,,,any,any,any,refuse,,Text.,Source,2026-11-25",
        "x,,,any,any,any,escalate,whenever,Text.,Source,2026-11-25",
        "x,,,any,any,any,advise,,,Source,2026-11-25",
        "x,,,any,any",
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path: Path, row: str) -> None:
    header = "id,effective_from,effective_until,nations,duty_classes,kinds,answer,within,text,source,revised"
    (tmp_path / "rules.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(InvalidInput, match="line 2"):
        load_rules(tmp_path / "rules.csv")


def test_a_rule_that_is_none_is_not_explained() -> None:
    with pytest.raises(NotFound):
        BOOK.versions("no-such-rule")


def _together(one: Rule, other: Rule) -> bool:
    begun = max(one.effective_from or date.min, other.effective_from or date.min)
    ended = min(one.effective_until or date.max, other.effective_until or date.max)
    pairs = (
        (one.nations, other.nations, NATIONS),
        (one.duty_classes, other.duty_classes, tuple(DutyClass)),
        (one.kinds, other.kinds, tuple(RecordKind)),
    )
    everybody = [
        (set(everything) if ANY in left else set(left)) & (set(everything) if ANY in right else set(right))
        for left, right, everything in pairs
    ]
    return begun <= ended and all(everybody)
