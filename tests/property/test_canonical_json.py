"""Canonical JSON is that of RFC 8785, for every value that has such a form here, and a refusal for every other."""

import json
from contextlib import suppress

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical_json import DEEPEST_NESTING, Json, canonical_bytes, parse_json
from shared.errors import InvalidInput

LARGEST = 2**53 - 1

# Hypothesis leaves lone surrogates out of text by itself; escapes and astral characters are asked for by name.
strings = st.text(max_size=12) | st.text(
    '\x00\x08\x09\x0a\x0c\x0d\x1f\x7f"\\/\u2028\ufeff\U0001f600\U0010ffff', max_size=12
)
keys = st.text(st.characters(max_codepoint=127), max_size=6) | st.sampled_from(
    ["", "a", "aa", "A", "\x00", "\x7f", "~"]
)
scalars = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.sampled_from([LARGEST, -LARGEST, 0]) | strings
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)


@given(values)
def test_the_bytes_are_those_of_an_independent_implementation(value: Json) -> None:
    expected = rfc8785.dumps(value)
    assert canonical_bytes(value) == expected
    assert parse_json(expected) == value


@given(values)
def test_what_was_read_back_has_the_same_bytes(value: Json) -> None:
    as_others_write_it = json.dumps(value, indent=1).encode()
    assert canonical_bytes(parse_json(as_others_write_it)) == canonical_bytes(value)


@given(st.dictionaries(keys, scalars, min_size=2, max_size=6))
def test_the_order_in_which_an_object_was_made_does_not_matter(members: dict[str, Json]) -> None:
    backwards = dict(reversed(members.items()))
    assert canonical_bytes(backwards) == canonical_bytes(members)


without_form = (
    st.floats()
    | st.integers(min_value=LARGEST + 1)
    | st.integers(max_value=-LARGEST - 1)
    | st.binary(max_size=3)
    | st.sets(st.integers(), max_size=2)
    | st.complex_numbers()
    | st.text(st.characters(categories=["Cs"]), min_size=1, max_size=3)
    | st.dictionaries(
        st.text(st.characters(min_codepoint=128), min_size=1, max_size=3), scalars, min_size=1, max_size=2
    )
    | st.dictionaries(st.integers() | st.booleans() | st.none(), scalars, min_size=1, max_size=2)
)


@given(without_form, values)
def test_what_has_no_canonical_form_is_refused_wherever_it_stands(bad: object, good: Json) -> None:
    for value in (bad, [good, bad], {"a": good, "b": {"c": [bad]}}):
        with pytest.raises(InvalidInput):
            canonical_bytes(value)  # type: ignore[arg-type]


def nested(depth: int) -> Json:
    value: Json = None
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_nesting_has_one_bound_whatever_the_machine() -> None:
    deepest = nested(DEEPEST_NESTING)
    assert parse_json(canonical_bytes(deepest)) == deepest
    for depth in (DEEPEST_NESTING + 1, 1_000, 50_000):
        with pytest.raises(InvalidInput):
            canonical_bytes(nested(depth))


def test_a_value_that_holds_itself_is_refused() -> None:
    circle: list[Json] = []
    circle.append(circle)
    with pytest.raises(InvalidInput):
        canonical_bytes(circle)


@given(st.binary(max_size=60) | st.text('[]{}":,0123456789.eE-+ntrufalse\\ud8 ', max_size=60).map(str.encode))
def test_bytes_from_outside_give_a_value_or_our_own_error(data: bytes) -> None:
    with suppress(InvalidInput):
        canonical_bytes(parse_json(data))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_bytes_nested_beyond_measure_are_refused(opening: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_json(opening * 100_000)
