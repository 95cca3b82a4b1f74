"""What a record marks as protected is noted in codes and advised on; whatever the mark, nothing is refused."""

import orjson
import pytest

from services.gateway.domain.protecting import Protecting, protecting
from shared.canonical_json import Json


@pytest.mark.parametrize(
    ("record", "kinds", "advice"),
    [
        ({"child": {"address": {"lines": ["1 Open Row"]}}}, (), ()),
        ({"child": {"address": {"protected": "refuge"}}}, ("refuge",), ("protection-only-where-marked",)),
        (
            {"child": {"address": {"protected": "a safe house"}}},
            ("unknown",),
            ("protection-unknown", "protection-only-where-marked"),
        ),
        ({"child": {"address": {"protected": True}}}, ("unknown",), ("protection-only-where-marked",)),
        ({"child": {"address": {"protected": False}}}, (), ()),
        ({"child": {"looked_after_by": "E06000005"}}, ("placement",), ()),
    ],
)
def test_what_is_marked_is_noted(record: Json, kinds: tuple[str, ...], advice: tuple[str, ...]) -> None:
    assert protecting(orjson.dumps(record)) == Protecting(kinds, advice)


def test_a_mark_that_is_spelled_in_another_way_is_a_mark() -> None:
    assert protecting(b'{"where": {"\\u0070rotected": "refuge"}}').kinds == ("refuge",)


def test_what_another_decoder_passed_over_is_taken_as_protected() -> None:
    assert protecting(b'{"protected": "\\ud800"}').kinds == ("unknown",)
