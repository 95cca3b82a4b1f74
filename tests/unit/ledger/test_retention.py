"""How long a record is kept: by the highest status reached, never too early, from rules that name their source."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.retention import RetentionCase, RetentionCases, retention_of
from shared.entries import Entry, RoleFact, Subject
from shared.errors import InvalidInput
from shared.identifiers import AuthorityCode, ChildRef, EntryId, Position
from shared.reference.retention import load_schedule
from shared.vocabulary import EntryType

SCHEDULE = load_schedule()
CHILD = ChildRef("c" * 32)
TODAY = date(2026, 11, 24)
STATUSES = ("early_help", "child_in_need", "child_protection", "looked_after", "adopted")


def case(
    *statuses: str,
    nations: frozenset[str] = frozenset({"England"}),
    first_on: date = TODAY,
    last_on: date = TODAY,
    born_on: date | None = None,
    died_on: date | None = None,
) -> RetentionCase:
    return RetentionCase(CHILD, 1, frozenset(statuses), nations, first_on, last_on, born_on, died_on)


def test_each_class_runs_from_its_own_event_for_its_own_time() -> None:
    born = date(2016, 3, 12)
    due = {
        status: retention_of(case(status, born_on=born), SCHEDULE, as_at=TODAY).due_on
        for status in ("early_help", "child_in_need", "looked_after")
    }
    assert due == {
        "early_help": date(2046, 3, 12),
        "child_in_need": date(2046, 3, 12),
        "looked_after": date(2091, 3, 12),
    }
    closed = retention_of(case("child_protection", born_on=born), SCHEDULE, as_at=TODAY)
    assert (closed.due_on, closed.retention_class) == (date(2061, 11, 24), "child_protection")
    assert "EWHC 2134" in closed.source


def test_scotland_keeps_looked_after_records_a_hundred_years_and_of_two_nations_the_longer_counts() -> None:
    born = date(2016, 3, 12)
    scottish = case("looked_after", nations=frozenset({"Scotland"}), born_on=born)
    both = case("looked_after", nations=frozenset({"Scotland", "England"}), born_on=born)
    assert retention_of(scottish, SCHEDULE, as_at=TODAY).due_on == date(2116, 3, 12)
    assert retention_of(both, SCHEDULE, as_at=TODAY).due_on == date(2116, 3, 12)


def test_a_child_who_died_young_is_kept_from_the_death() -> None:
    died = case("looked_after", born_on=date(2010, 1, 1), died_on=date(2020, 5, 5))
    # What a lower status asks for stands: 35 years from closure.
    assert retention_of(died, SCHEDULE, as_at=TODAY).due_on == date(2061, 11, 24)
    helped = case("early_help", born_on=date(2010, 1, 1), died_on=date(2020, 5, 5))
    assert retention_of(helped, SCHEDULE, as_at=TODAY).due_on == date(2026, 5, 5)


def test_without_a_date_of_birth_the_period_runs_from_the_latest_day_it_can_have_been() -> None:
    assert retention_of(case("early_help"), SCHEDULE, as_at=TODAY).due_on >= date(2056, 11, 24)


def test_a_period_from_the_29th_of_february_never_ends_early() -> None:
    leap = case("looked_after", born_on=date(2012, 2, 29))
    assert retention_of(leap, SCHEDULE, as_at=TODAY).due_on == date(2087, 3, 1)


@given(
    st.sets(st.sampled_from(STATUSES), min_size=1),
    st.sampled_from(STATUSES),
    st.dates(date(1990, 1, 1), date(2026, 11, 24)),
    st.integers(0, 9000),
    st.none() | st.dates(date(1990, 1, 1), date(2026, 11, 24)),
)
def test_reaching_another_status_or_being_worked_on_longer_never_shortens_it(
    statuses: set[str], more: str, first: date, days: int, born: date | None
) -> None:
    last = first + timedelta(days=days)
    before = retention_of(case(*statuses, first_on=first, last_on=last, born_on=born), SCHEDULE, as_at=TODAY)
    risen = retention_of(case(*statuses, more, first_on=first, last_on=last, born_on=born), SCHEDULE, as_at=TODAY)
    later = case(*statuses, first_on=first, last_on=last + timedelta(days=1), born_on=born)
    assert risen.due_on >= before.due_on
    assert retention_of(later, SCHEDULE, as_at=TODAY).due_on >= before.due_on
    if born is None:
        # Whatever the true day of birth, no later than the child was first known of and born: never too early.
        known = retention_of(case(*statuses, first_on=first, last_on=last, born_on=first), SCHEDULE, as_at=TODAY)
        assert before.due_on >= known.due_on


def entry(position: int, entry_type: EntryType, *roles: RoleFact, day: str = "2026-11-24", **facts: str) -> Entry:
    return Entry(
        position=Position(position),
        id=EntryId(f"{position:032x}"),
        type=entry_type,
        time=f"{day}T10:00:00.000000Z",
        subjects=(Subject(CHILD, position + 1, roles),),
        facts=facts,
    )


def test_the_entries_say_which_status_was_reached_and_looking_keeps_nothing_open() -> None:
    cases = RetentionCases()
    cases.take(entry(0, EntryType.SHARE_RECORDED, level="child_in_need"))
    cases.take(entry(1, EntryType.SHARE_RECORDED, RoleFact("looked_after_by", AuthorityCode("W06000015")), level="new"))
    cases.take(entry(2, EntryType.CONTENT_OPENED, day="2030-01-01"))
    cases.take(entry(3, EntryType.HOLD_PLACED, day="2030-01-01"))
    found = cases.cases[CHILD]
    assert found.statuses == {"child_in_need", "child_protection", "looked_after", "early_help"}
    assert found.nations == {"Wales"}
    assert (found.last_on, found.version) == (date(2026, 11, 24), 4)
    cases.take(entry(4, EntryType.ERASURE_RECORDED))
    assert CHILD not in cases.cases
    # What was owed of it is answered still, and makes no case of it: nothing is left to keep or to erase.
    cases.take(entry(5, EntryType.NOTIFICATION_RECEIVED))
    assert CHILD not in cases.cases


def test_a_schedule_that_cannot_be_read_or_lacks_a_class_is_refused(tmp_path: Path) -> None:
    header = "class,rank,nation,starts,years,years_from_death_under_18,effective_from,source\n"
    for number, text in enumerate(("a,b\n", header, header + "early_help,x,any,birth,1,,2026-01-01,s\n")):
        path = tmp_path / f"{number}.csv"
        path.write_text(text)
        with pytest.raises(InvalidInput):
            load_schedule(path)
    path.write_text(header + "early_help,1,any,birth,1,,2026-01-01,s\n")
    with pytest.raises(InvalidInput, match="looked_after"):
        retention_of(case("looked_after"), load_schedule(path), as_at=TODAY)


def test_a_rule_holds_from_its_day_on(tmp_path: Path) -> None:
    path = tmp_path / "schedule.csv"
    path.write_text(
        "class,rank,nation,starts,years,years_from_death_under_18,effective_from,source\n"
        "early_help,1,any,closure,6,,2020-01-01,old\nearly_help,1,any,closure,10,,2027-01-01,new\n"
    )
    schedule = load_schedule(path)
    assert retention_of(case("early_help"), schedule, as_at=TODAY).due_on == date(2032, 11, 24)
    assert retention_of(case("early_help"), schedule, as_at=date(2027, 1, 1)).due_on == date(2036, 11, 24)
