"""What entries say of a withholding in force, and which concern opens one again."""

from datetime import date

import pytest

from services.notifier.domain.content import Shown, shown
from services.notifier.domain.withholdings import standing_by, tells_of_harm
from shared.canonical_json import Json
from shared.entries import Entry, Subject
from shared.identifiers import AgencyId, ChildRef, EntryId, Position, Recipient
from shared.vocabulary import EntryType

CHILD, WITHHOLDING = ChildRef("c" * 32), EntryId("a" * 32)


def entry(entry_type: EntryType, facts: dict[str, Json], *, cause: EntryId | None = WITHHOLDING) -> Entry:
    return Entry(
        position=Position(7),
        id=EntryId("e" * 32),
        type=entry_type,
        time="2026-11-24T10:00:00.000000Z",
        agency=AgencyId("a-college"),
        subjects=(Subject(CHILD, 2),),
        facts=facts,
        causes=(cause,) if cause is not None else (),
    )


def test_a_withholding_stands_until_its_day_of_review() -> None:
    recorded = entry(
        EntryType.WITHHOLDING_RECORDED, {"review_due_on": "2026-12-24", "reasons": ["not_relevant"]}, cause=None
    )
    standing = standing_by(recorded)
    assert standing is not None
    assert (standing.withholding, standing.review_due_on) == (recorded.id, date(2026, 12, 24))
    assert (standing.ended, standing.reopens) == (False, True)


@pytest.mark.parametrize("entry_type", [EntryType.WITHHOLDING_REVIEWED, EntryType.RECORD_CORRECTED])
def test_a_review_or_a_correction_sets_another_day(entry_type: EntryType) -> None:
    standing = standing_by(entry(entry_type, {"review_due_on": "2027-01-20"}))
    assert standing is not None
    assert (standing.withholding, standing.review_due_on) == (WITHHOLDING, date(2027, 1, 20))
    assert not standing.ended


@pytest.mark.parametrize("entry_type", [EntryType.RECORD_RETRACTED, EntryType.SHARE_RECORDED])
def test_a_withholding_ends_when_it_is_taken_back_or_shared(entry_type: EntryType) -> None:
    standing = standing_by(entry(entry_type, {}))
    assert standing is not None
    assert standing.ended


def test_what_says_nothing_of_a_withholding_changes_none() -> None:
    assert standing_by(entry(EntryType.RECORD_CORRECTED, {"level": "child_in_need"})) is None
    assert standing_by(entry(EntryType.SHARE_RECORDED, {"level": "child_in_need"}, cause=None)) is None
    assert standing_by(entry(EntryType.RECORD_DISPUTED, {})) is None


@pytest.mark.parametrize("reason", ["reg13_3_risk", "legal_privilege_or_court", "consent_based_notice_refused"])
def test_what_the_law_withholds_because_of_a_risk_is_not_opened_by_it(reason: str) -> None:
    standing = standing_by(entry(EntryType.WITHHOLDING_RECORDED, {"reasons": [reason]}))
    assert standing is not None
    assert not standing.reopens


HARM: list[tuple[EntryType, dict[str, Json], bool]] = [
    (EntryType.SHARE_RECORDED, {"level": "significant_harm"}, True),
    (EntryType.SHARE_RECORDED, {"level": "early_help", "indicators": ["forced_marriage"]}, True),
    (EntryType.RECORD_CORRECTED, {"level": "immediate_danger"}, True),
    (EntryType.WITHHOLDING_RECORDED, {"indicators": ["threats"]}, True),
    (EntryType.SHARE_RECORDED, {"level": "early_help", "indicators": []}, False),
    (EntryType.WHEREABOUTS_REPORTED, {"level": "significant_harm"}, False),
]


@pytest.mark.parametrize(("entry_type", "facts", "told"), HARM)
def test_harm_is_told_by_a_level_or_by_what_was_observed(
    entry_type: EntryType, facts: dict[str, Json], told: bool
) -> None:
    assert tells_of_harm(entry(entry_type, facts)) == told


def test_the_lead_is_shown_the_record_that_is_overdue_or_reopened() -> None:
    for entry_type in (EntryType.WITHHOLDING_REVIEW_OVERDUE, EntryType.WITHHOLDING_REOPENED):
        of_the_exchange = entry(entry_type, {})
        assert shown(of_the_exchange, Recipient("agency:another")) is Shown.RECORD_BEHIND
