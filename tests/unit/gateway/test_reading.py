"""A body of another shape is refused by pointing at the member, whatever stands around it."""

import json
import re

import msgspec
import pytest

from services.gateway.api.reading import RecordDecoder
from services.gateway.api.wrong_types import MOST_FAULTS
from services.gateway.read_ledger import SignaturesRecord
from shared.errors import ExchangeError


class Part(msgspec.Struct):
    """One of several."""

    name: str | None = None


class Needed(msgspec.Struct):
    """One that has to have something."""

    key: str
    other: str | None = None


class Body(msgspec.Struct):
    """Members of each kind that a path can lead through."""

    title: str | None = None
    parts: tuple[Part, ...] = ()
    named: dict[str, str] = {}
    needed: Needed | None = None
    also: tuple[Needed, ...] = ()


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


def test_every_member_of_a_wrong_type_is_pointed_at_where_it_stood() -> None:
    body = (
        b'{"title": 7, "parts": [null, {"name": "a"}, 8, {"name": []}, {"name": "b"}, {"name": 7}],'
        b' "named": {"secret": 7}, "needed": {"key": 1, "other": 2}, "also": [{"other": "x"}, {}]}'
    )
    with pytest.raises(ExchangeError) as refused:
        RecordDecoder(Body).decode(body)
    found = refused.value.detail.split("; ")
    pointers = re.findall(r" at (/\S*) ", refused.value.detail)
    parts = ["/parts/0", "/parts/2", "/parts/3/name", "/parts/5/name"]
    assert pointers == ["/title", *parts, "/named", "/needed/key", "/needed/other", "/also/0", "/also/1"]
    assert found[0] == "the member at /title has the wrong type: a text is expected there, not a whole number"
    assert found[-1] == "the object at /also/1 lacks the member key"
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize(
    ("member", "sent", "said"),
    [
        ("size", 0, "is outside what is taken there: at least 1"),
        ("limit", 501, "is outside what is taken there: at most 500"),
        ("size", 2**70, "is outside what is taken there: at most 9007199254740991"),
        ("run", "SECRET", "is outside what is taken there: a text that matches '^[a-z0-9-]{8,64}$'"),
        ("size", "secret", "has the wrong type: a whole number is expected there, not a text"),
    ],
)
def test_a_value_out_of_range_is_told_what_the_range_is(member: str, sent: object, said: str) -> None:
    taken = {"run": "a-run-of-2026", "size": 7, "after": -1, "limit": 5, "compared": "none", "reason": "r", "note": "n"}
    with pytest.raises(ExchangeError) as refused:
        RecordDecoder(SignaturesRecord).decode(json.dumps({**taken, member: sent}).encode())
    assert refused.value.detail == f"the member at /{member} {said}"


def test_a_null_that_is_nothing_is_not_blamed_for_what_stands_behind_it() -> None:
    with pytest.raises(ExchangeError) as refused:
        RecordDecoder(Body).decode(b'{"parts": null, "title": 7}')
    assert refused.value.detail.startswith("the member at /title ")
    assert ";" not in refused.value.detail


def test_a_body_of_another_kind_altogether_is_not_gone_through_to_its_end() -> None:
    with pytest.raises(ExchangeError) as refused:
        RecordDecoder(Body).decode(msgspec.json.encode({"parts": list(range(20_000))}))
    assert refused.value.detail.count("the member at ") == MOST_FAULTS
    assert refused.value.detail.endswith("; and perhaps others")


def test_a_null_where_a_list_belongs_is_an_empty_one() -> None:
    assert RecordDecoder(Body).decode(b'{"parts": null, "named": null}') == Body()
