"""An entry's bytes are the canonical form of what it says, and nothing else is read as an entry."""

import json
from collections.abc import Callable, Mapping

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical_json import canonical_bytes
from shared.entries import (
    ENTRY_FORMAT,
    Commitment,
    Entry,
    Obligation,
    RoleFact,
    Subject,
    encode_entry,
    parse_entry,
)
from shared.errors import InvalidInput
from shared.identifiers import (
    AgencyId,
    AuthorityCode,
    ChildRef,
    EntryId,
    KeyThumbprint,
    ObligationId,
    Position,
    Recipient,
)
from shared.vocabulary import EntryType

# Facts hold codes; what a code may be is not this module's business, so that any text is tried.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(max_codepoint=0x7F), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
roles = st.builds(RoleFact, texts, texts.map(AuthorityCode))
subjects = st.builds(Subject, texts.map(ChildRef), st.integers(1, 9), st.lists(roles, max_size=2).map(tuple))
obligations = st.builds(
    Obligation,
    texts.map(ObligationId),
    texts.map(Recipient),
    st.lists(texts, max_size=2).map(tuple),
    *(texts, texts, texts, texts),
)
entries = st.builds(
    Entry,
    st.integers(0, 2**53 - 1).map(Position),
    texts.map(EntryId),
    st.sampled_from(EntryType),
    texts,
    agency=st.none() | texts.map(AgencyId),
    key=st.none() | texts.map(KeyThumbprint),
    subjects=st.lists(subjects, max_size=2).map(tuple),
    facts=st.dictionaries(names, json_values, max_size=4),
    obligations=st.lists(obligations, max_size=2).map(tuple),
    causes=st.lists(texts.map(EntryId), max_size=2).map(tuple),
    rules=st.none() | texts,
    registry=st.none() | st.integers(0, 2**53 - 1).map(Position),
    commitments=st.dictionaries(names, st.builds(Commitment, texts, texts), max_size=2),
)


@given(entries)
def test_the_bytes_are_rfc_8785_of_every_member_and_are_read_back_as_the_same(entry: Entry) -> None:
    leaf = encode_entry(entry)
    said = json.loads(leaf)
    assert rfc8785.dumps(said) == leaf
    assert said.keys() == {"format", *Entry.__struct_fields__}
    assert said["format"] == ENTRY_FORMAT
    assert parse_entry(leaf) == entry


SAID: Mapping[str, object] = json.loads(
    encode_entry(
        Entry(
            Position(7),
            EntryId("a" * 32),
            EntryType.SHARE_RECORDED,
            "2026-11-24T10:00:00.000000Z",
            subjects=(Subject(ChildRef("c" * 32), 1),),
            facts={"level": "known", "count": 1},
            commitments={"body": Commitment("0" * 64, "1" * 64)},
        )
    )
)


def dumps(value: object) -> bytes:
    """Return JSON in sorted order, without the checks that the canonical form asks for."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def without(name: str) -> bytes:
    """Return the leaf without one of its members."""
    return dumps({member: value for member, value in SAID.items() if member != name})


@pytest.mark.parametrize("name", list(SAID))
def test_a_leaf_that_lacks_a_member_is_none(name: str) -> None:
    assert parse_entry(dumps(SAID)).position == 7
    with pytest.raises(InvalidInput):
        parse_entry(without(name))


SPOILT: Mapping[str, Callable[[bytes], bytes]] = {
    "a member more": lambda leaf: leaf.replace(b'{"agency"', b'{"aaa":1,"agency"'),
    "a member more in a subject": lambda leaf: leaf.replace(b'"version":1', b'"version":1,"zzz":1'),
    "a member twice": lambda leaf: leaf.replace(b'"position":7', b'"position":7,"position":7'),
    "another order": lambda leaf: dumps(dict(SAID)).replace(b'"position":7,', b"").replace(b"{", b'{"position":7,', 1),
    "white space": lambda leaf: leaf.replace(b'"position":7', b'"position": 7'),
    "a line feed at the end": lambda leaf: leaf + b"\n",
    "a number written otherwise": lambda leaf: leaf.replace(b'"count":1', b'"count":1.0'),
    "a fraction": lambda leaf: leaf.replace(b'"count":1', b'"count":1.5'),
    "an integer too large": lambda leaf: leaf.replace(b'"count":1', b'"count":9007199254740992'),
    "a letter escaped": lambda leaf: leaf.replace(b'"known"', b'"\\u006bnown"'),
    "a name that is not ASCII": lambda leaf: leaf.replace(b'"count"', '"né"'.encode()),
    "half": lambda leaf: leaf[: len(leaf) // 2],
}


@pytest.mark.parametrize("how", SPOILT)
def test_other_bytes_that_say_the_same_or_more_are_no_entry(how: str) -> None:
    leaf = canonical_bytes(SAID)  # type: ignore[arg-type]
    spoilt = SPOILT[how](leaf)
    assert spoilt != leaf
    with pytest.raises(InvalidInput):
        parse_entry(spoilt)


def test_a_later_version_of_the_format_asks_for_an_upgrade() -> None:
    later = dumps({**SAID, "format": "safeguarding-exchange/entry/v2", "more": 1})
    with pytest.raises(InvalidInput, match="upgrade"):
        parse_entry(later)
