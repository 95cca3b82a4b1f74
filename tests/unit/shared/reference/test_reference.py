"""Authorities, postcodes, working days and NHS numbers, by the facts of the reference data and the scenarios."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reference.authorities import ResolutionKind, load_register, read_data
from shared.reference.nhs_number import read_nhs_number
from shared.reference.postcodes import PostcodeKind, load_postcodes
from shared.reference.working_days import due_after_hours, due_after_working_days, is_working_day

REGISTER = load_register()
POSTCODES = load_postcodes(REGISTER)
ON = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "kind", "authorities"),
    [
        ("E06000005", ResolutionKind.CURRENT, ("E06000005",)),
        ("Darlington Borough Council", ResolutionKind.CURRENT, ("E06000005",)),
        ("E07000012", ResolutionKind.DISTRICT, ("E10000003",)),
        ("South Cambridgeshire District Council", ResolutionKind.DISTRICT, ("E10000003",)),
        ("South Cambs", ResolutionKind.UNKNOWN, ()),
        ("E08000019", ResolutionKind.SUCCEEDED, ("E08000039",)),
        ("E07000048", ResolutionKind.SUCCEEDED, ("E06000058",)),
        ("E10000006", ResolutionKind.SPLIT, ("E06000063", "E06000064")),
        ("E07000073", ResolutionKind.DISTRICT, ("E10000012",)),
        ("S12000026", ResolutionKind.CURRENT, ("S12000026",)),
        ("S12000015", ResolutionKind.SUCCEEDED, ("S12000047",)),
        ("Belfast Health and Social Care Trust", ResolutionKind.NO_CODE, ()),
        ("E06999999", ResolutionKind.UNKNOWN, ()),
        ("", ResolutionKind.UNKNOWN, ()),
    ],
)
def test_a_code_or_an_exact_name_leads_to_the_authority_in_force(
    text: str, kind: ResolutionKind, authorities: tuple[str, ...]
) -> None:
    resolution = REGISTER.resolve(text, on=ON)
    assert (resolution.kind, resolution.authorities) == (kind, authorities)


def test_surrey_is_one_until_it_is_divided_and_then_a_person_must_say() -> None:
    assert REGISTER.resolve("E10000030", on=date(2027, 3, 31)).single == "E10000030"
    assert REGISTER.resolve("E10000030", on=date(2027, 4, 1)).kind is ResolutionKind.NO_CODE


@pytest.mark.parametrize("on", [date(2012, 1, 1), date(2020, 6, 1), ON, date(2028, 6, 1)])
def test_no_code_ever_leads_to_a_district(on: date) -> None:
    for code in REGISTER.all_codes():
        for authority in REGISTER.resolve(code, on=on).authorities:
            assert not authority.startswith("E07")


@given(st.text(max_size=40))
def test_any_text_is_resolved_and_located_without_an_error(text: str) -> None:
    REGISTER.resolve(text, on=ON)
    POSTCODES.locate(text, on=ON)
    read_nhs_number(text)


def test_every_postcode_of_the_sample_is_placed_with_an_authority_in_force_or_says_why_not() -> None:
    for row in read_data("postcodes.csv"):
        location = POSTCODES.locate(row["pcds"].lower(), on=ON)
        if location.authority is None:
            assert location.kind is PostcodeKind.NO_AUTHORITY, row["pcds"]
        else:
            assert REGISTER.resolve(location.authority, on=ON).kind is ResolutionKind.CURRENT
            assert (location.kind is PostcodeKind.TERMINATED) == bool(row["doterm"])


def test_the_police_area_of_each_postcode_is_that_of_its_authority() -> None:
    for row in read_data("postcodes.csv"):
        location = POSTCODES.locate(row["pcds"], on=ON)
        if location.authority is not None and location.police is not None:
            assert REGISTER.police_of(location.authority) == location.police, row["pcds"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ZZ99 3VZ", PostcodeKind.NO_AUTHORITY),
        ("XX9 9XX", PostcodeKind.UNKNOWN),
        ("the caravan", PostcodeKind.NOT_A_POSTCODE),
    ],
)
def test_what_is_no_known_postcode_is_named_as_such(text: str, kind: PostcodeKind) -> None:
    assert POSTCODES.locate(text, on=ON).kind is kind


def test_the_decision_clock_of_one_working_day_ends_on_the_next_working_day() -> None:
    """Scenario 1: received on Tuesday 24 November 2026, it ends on Wednesday."""
    tuesday = datetime(2026, 11, 24, 10, 40, tzinfo=UTC)
    assert due_after_working_days(tuesday, days=1, nation="England").due_at == datetime(2026, 11, 25, 17, tzinfo=UTC)
    friday = datetime(2026, 11, 20, 23, 10, tzinfo=UTC)
    assert due_after_working_days(friday, days=1, nation="England").due_at.date() == date(2026, 11, 23)
    assert due_after_hours(friday, hours=1).due_at == datetime(2026, 11, 21, 0, 10, tzinfo=UTC)


def test_each_nation_has_its_own_bank_holidays() -> None:
    assert not is_working_day(date(2026, 12, 28), nation="England")
    assert not is_working_day(date(2026, 11, 30), nation="Scotland")
    assert is_working_day(date(2026, 11, 30), nation="England")


@pytest.mark.parametrize(("text", "valid"), [("943 476 5919", True), ("9876543210", True), ("1234567890", False)])
def test_an_nhs_number_is_told_by_its_check_digit(text: str, valid: bool) -> None:
    assert read_nhs_number(text).valid is valid


def test_numbers_beginning_999_are_test_numbers() -> None:
    assert read_nhs_number("999 007 3104").test_number
    assert read_nhs_number("999-007-3104").valid
