"""What the query of a read may hold, and how it writes a moment."""

import pytest
from starlette.requests import Request

from services.gateway.api.query import query_members
from services.gateway.query_moment import query_moment
from shared.errors import InvalidInput


def asking(query: bytes) -> Request:
    """Return a request with a query."""
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": query})


@pytest.mark.parametrize("query", [b"as-at=2020-01-01T00:00:00Z", b"as_at=x&asat=y", b"AS_AT=x", b"reference"])
def test_a_member_that_is_not_taken_is_refused_and_what_is_taken_is_named(query: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        query_members(asking(query), "as_at", "limit")
    assert refused.value.remedy == "Taken here, each once: as_at, limit."
    assert "reference" not in refused.value.detail, "nothing that was sent is repeated"


def test_a_member_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="more than once"):
        query_members(asking(b"as_at=x&as_at=y"), "as_at")


def test_a_read_that_takes_nothing_takes_no_query() -> None:
    assert query_members(asking(b"")) == {}
    with pytest.raises(InvalidInput):
        query_members(asking(b"as_at=2020-01-01T00:00:00Z"))


def test_members_that_are_taken_are_given() -> None:
    assert query_members(asking(b"after=-1&as_at=2020-01-01T00%3A00%3A00%2B01:00"), "as_at", "after") == {
        "after": "-1",
        "as_at": "2020-01-01T00:00:00+01:00",
    }


def test_a_plus_sign_that_became_a_space_is_refused_with_the_way_to_write_it() -> None:
    (moment,) = query_members(asking(b"as_at=2026-11-24T11:00:00+01:00"), "as_at").values()
    with pytest.raises(InvalidInput) as refused:
        query_moment(moment)
    assert "%2B" in refused.value.remedy
    assert query_moment("2026-11-24T11:00:00+01:00") == "2026-11-24T10:00:00.000000Z"
