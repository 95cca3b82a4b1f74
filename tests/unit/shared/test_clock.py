"""Times are read as RFC 3339 writes them, and whatever is none is refused by name."""

import pytest

from shared.clock import parse_rfc3339, rfc3339
from shared.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-24T10:52:00Z", "2026-11-24T10:52:00.000000Z"),
        ("2026-11-24t11:52:00.5+01:00", "2026-11-24T10:52:00.500000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z"),
    ],
)
def test_a_time_is_read_whatever_its_offset_and_a_leap_second_is_the_one_before(text: str, read: str) -> None:
    assert rfc3339(parse_rfc3339(text)) == read


# The last two are times that no year can hold once they are brought to UTC.
@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-24T10:52:00", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_rfc3339(text)
