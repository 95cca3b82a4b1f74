"""What an authority is told that a person found for a queue item."""

from datetime import UTC, datetime

import pytest

from cli.passing_on import passed_on
from shared.identifiers import AuthorityCode, EntryId

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "told_for"),
    [
        (("nobody_can_place_it",), "placed_by_a_person"),
        (("address_not_placed", "recipient_not_known"), "placed_by_a_person"),
        (("recipient_not_known",), "passed_on_by_a_person"),
        (("level_needs_a_person", "recipient_not_known"), "passed_on_by_a_person"),
        (("lives_in_area",), "passed_on_by_a_person"),
        (("possible_same_child",), "passed_on_by_a_person"),
        (("nobody_owns_it",), "passed_on_by_a_person"),
        (("nobody_at_the_exchange_owns_it",), "passed_on_by_a_person"),
        (("nobody_has_decided",), "passed_on_by_a_person"),
        (("withholding_reopened",), "passed_on_by_a_person"),
        (("a reason of next year",), "passed_on_by_a_person"),
        ((), "passed_on_by_a_person"),
    ],
)
def test_only_who_was_found_for_a_place_is_told_as_being_of_that_place(asked: tuple[str, ...], told_for: str) -> None:
    owed = passed_on(asked, AuthorityCode("E06000005"), entry_id=EntryId("0" * 32), nation="England", now=NOON)
    assert (owed.recipient, owed.reasons) == ("authority:E06000005", (told_for,))
    assert (owed.due_at, owed.urgency) == ("2026-11-25T17:00:00.000000Z", "same_day")
