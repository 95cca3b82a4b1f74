"""The table of entry types: one row for each type, and none of which nobody may say it."""

import pytest

from shared.entry_types import ENTRY_TYPES, Is, types_that_are
from shared.vocabulary import EntryType

_SAID_BY = Is.BY_AGENCY | Is.BY_NOTIFIER | Is.BY_OPERATOR | Is.BY_LEDGER


def test_every_type_of_entry_has_its_row() -> None:
    assert set(ENTRY_TYPES) == set(EntryType)


@pytest.mark.parametrize("entry_type", EntryType)
def test_somebody_may_say_it(entry_type: EntryType) -> None:
    assert ENTRY_TYPES[entry_type] & _SAID_BY


@pytest.mark.parametrize("entry_type", EntryType)
def test_a_type_is_of_one_family_at_most(entry_type: EntryType) -> None:
    families = (Is.REGISTRY, Is.STEWARDSHIP, Is.RECORD, Is.AMENDMENT, Is.TELLING, Is.LOOK)
    assert sum(family in ENTRY_TYPES[entry_type] for family in families) <= 1


def test_of_several_kinds_one_is_enough_and_of_a_joined_one_both_must_hold() -> None:
    both = types_that_are(Is.AMENDMENT | Is.WITHHOLDING)
    assert both == {EntryType.WITHHOLDING_REVIEWED}
    assert types_that_are(Is.AMENDMENT, Is.WITHHOLDING) == types_that_are(Is.AMENDMENT) | types_that_are(Is.WITHHOLDING)
