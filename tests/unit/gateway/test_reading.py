"""A body of another shape is refused by pointing at the member, whatever stands around it."""

import msgspec
import pytest

from services.gateway.api.reading import RecordDecoder
from shared.errors import ExchangeError


class Part(msgspec.Struct):
    """One of several."""

    name: str | None = None


class Body(msgspec.Struct):
    """Members of each kind that a path can lead through."""

    title: str | None = None
    parts: tuple[Part, ...] = ()
    named: dict[str, str] = {}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"title": 7}', "/title"),
        (b'{"parts": [{"name": "a"}, {"name": []}]}', "/parts/1/name"),
        (b'{"parts": [7]}', "/parts/0"),
        (b'{"parts": {}}', "/parts"),
        (b'{"named": {"secret": 7}}', "/named"),
        (b"[]", "/"),
    ],
)
def test_the_member_is_pointed_at_and_nothing_that_was_sent_is_repeated(body: bytes, pointer: str) -> None:
    with pytest.raises(ExchangeError) as refused:
        RecordDecoder(Body).decode(body)
    assert refused.value.code == "wrong-types"
    assert f" {pointer} " in refused.value.detail
    assert "secret" not in refused.value.detail


def test_a_null_where_a_list_belongs_is_an_empty_one() -> None:
    assert RecordDecoder(Body).decode(b'{"parts": null, "named": null}') == Body()
