"""Marks of protection: what they say, what they hide, and that nothing gets past them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical_json import Json
from shared.protection import Protection, Without, is_understood, protection_said, protections_in

CANARY = "7 Hidden Row"
ALL_HIDDEN = Without(frozenset(), hides=lambda _kind: True)


def without(value: Json, *assumed: Protection) -> Json:
    return Without(frozenset(assumed), hides=lambda _kind: True).of(value)


@pytest.mark.parametrize(
    ("mark", "said", "understood"),
    [
        ("refuge", Protection.REFUGE, True),
        (" Adoption ", Protection.ADOPTION, True),
        (True, Protection.UNKNOWN, True),
        ("women's refuge", Protection.UNKNOWN, False),
        ("NOT_KNOWN", Protection.UNKNOWN, False),
        ("", Protection.UNKNOWN, False),
        (1, Protection.UNKNOWN, False),
        ({"kind": "refuge"}, Protection.UNKNOWN, False),
        (False, None, True),
        ("no", None, True),
        ("NOT_APPLICABLE", None, True),
        (None, None, True),
    ],
)
def test_a_mark_that_is_not_understood_protects_as_closely_as_any(
    mark: Json, said: Protection | None, understood: bool
) -> None:
    assert (protection_said(mark), is_understood(mark)) == (said, understood)


def test_what_is_marked_is_hidden_wherever_it_stands_and_says_why() -> None:
    record: Json = {"tried": [{"by": {"protected": "refuge", "name": CANARY}}], "school": {"name": "Example"}}
    hidden = {"protected": "refuge", "shown": False}
    assert without(record) == {"tried": [{"by": hidden}], "school": {"name": "Example"}}
    assert protections_in(record) == {Protection.REFUGE}


def test_where_the_child_is_and_with_whom_is_hidden_unmarked_once_the_child_is_protected() -> None:
    record: Json = {
        "members": {"child": {"address": CANARY, "carers": [{"name": CANARY}], "household": {"a": CANARY}}},
        "where": {"lines": [CANARY]},
        "found_at": {"name": "the library"},
    }
    assert CANARY not in json.dumps(without(record, Protection.ADOPTION))
    assert without(record) == record
    # In a refuge it is the place that is secret, not the mother.
    assert without({"carers": [{"name": "A"}]}, Protection.REFUGE) == {"carers": [{"name": "A"}]}


def test_a_part_that_says_it_is_not_protected_is_shown() -> None:
    record: Json = {"address": {"postcode": "DL1 5QT", "protected": False}}
    assert without(record, Protection.REFUGE) == record


def test_a_child_that_a_record_says_is_looked_after_is_placed() -> None:
    assert protections_in({"child": {"looked_after_by": "E06000005"}}) == {Protection.PLACEMENT}
    assert protections_in({"child": {"looked_after_by": "NOT_APPLICABLE"}}) == frozenset()


def test_what_is_nested_too_deep_to_be_read_is_hidden() -> None:
    record: Json = {"protected": "refuge", "lines": [CANARY]}
    for _ in range(500):
        record = [record]
    assert CANARY not in json.dumps(without(record))
    assert Protection.UNKNOWN in protections_in(record)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just("address"), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(value=json_values, mark=json_values, around=st.lists(st.sampled_from(["child", "where", "members"]), max_size=4))
def test_nothing_of_a_marked_part_is_left_whatever_the_mark(value: Json, mark: Json, around: list[str]) -> None:
    marked: Json = {"said": [value, CANARY], "protected": mark}
    for name in around:
        marked = {name: marked}
    left = json.dumps(ALL_HIDDEN.of({"record": marked}))
    assert (CANARY in left) == (protection_said(mark) is None)
