"""A member whose name is nearly one of the record's is pointed at by the name that was meant."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.api.examples import EXAMPLES
from services.gateway.domain.amendment import ShareCorrectionRecord
from services.gateway.domain.misspelt import MOST_SAID, MemberNames
from services.gateway.domain.record import ShareRecord

SHARE = MemberNames(ShareRecord)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"chlid": {"family_name": "A"}}, ("/child",)),
        ({"concrn": {}}, ("/concern",)),
        ({"child": {"familyName": "A", "DateOfBirth": "2015-01-01"}}, ("/child/family_name", "/child/date_of_birth")),
        ({"child": {"family-name": "A"}}, ("/child/family_name",)),
        ({"child": {"identifiers": [{"sheme": "local", "value": "1"}]}}, ("/child/identifiers/scheme",)),
        ({"child": {"family_name": "A"}, "chlid": {}}, ()),
        ({"child": {"family_name": "A"}, "our_reference": "7"}, ()),
        ([], ()),
        ("text", ()),
        ({}, ()),
    ],
)
def test_what_was_meant_is_said_by_the_records_own_names(sent: object, meant: tuple[str, ...]) -> None:
    assert SHARE.misspelt(orjson.dumps(sent)) == meant


def test_a_correction_is_looked_at_in_the_record_that_it_gives() -> None:
    assert MemberNames(ShareCorrectionRecord).misspelt(b'{"record": {"concren": {}}}') == ("/record/concern",)


def test_the_examples_have_no_member_that_is_misspelt() -> None:
    assert SHARE.misspelt(orjson.dumps(EXAMPLES["ShareRecord"])) == ()


def test_what_cannot_be_read_is_not_judged() -> None:
    assert SHARE.misspelt(b"{") == ()


@given(
    st.binary() | st.recursive(st.none() | st.text(), lambda each: st.dictionaries(st.text(), each)).map(orjson.dumps)
)
def test_it_never_fails_and_never_repeats_what_was_sent(body: bytes) -> None:
    said = SHARE.misspelt(body)
    assert len(said) <= MOST_SAID
    assert all(set(pointer.strip("/").split("/")) <= _NAMES for pointer in said)


def _all_names(names: object) -> set[str]:
    return (
        {*names, *(each for below in names.values() for each in _all_names(below))}
        if isinstance(names, dict)
        else set()
    )


_NAMES = _all_names(SHARE._names)
