"""What an audit finds, in the words of a report."""

import pytest

from services.ledger.audit.findings import entries_between


@pytest.mark.parametrize(
    ("first", "last", "said"), [(84, 84, "entry 84"), (84, 85, "the entries from 84 to 85"), (0, 0, "entry 0")]
)
def test_one_entry_is_not_said_to_reach_from_itself_to_itself(first: int, last: int, said: str) -> None:
    assert entries_between(first, last) == said
