"""What is stored of an answer gives back the very bytes that the requester got (G2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.plan import PlannedEntry, Prepared
from services.ledger.domain.receipts import answer_bytes, stored_answer, whole_answer
from services.ledger.domain.sealing import DataKey, WrappedKey
from shared.entries import Entry, Subject, encode_entry
from shared.errors import IntegrityFailure
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType

texts = st.text(st.characters(codec="utf-8"), max_size=20)
words = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
# Among the names are those that the ledger itself fills in.
bodies = st.dictionaries(st.sampled_from(["id", "position", "child", "receipt", "kind"]) | texts, words, max_size=5)
paths = st.lists(st.binary(min_size=32, max_size=32), max_size=63)
CHECKPOINT = "log.example\n9\nAAAA\n\n\u2014 log.example AAAA\n".encode()


def planned(body: dict[str, object], *, position: int, child: str | None, fact: str) -> PlannedEntry:
    """Return an entry with an answer to it."""
    entry = Entry(
        position=Position(position),
        id=EntryId("a" * 32),
        type=EntryType.SHARE_RECORDED,
        time="2026-11-24T10:00:00.000000Z",
        subjects=(Subject(ChildRef(child), 1),) if child is not None else (),
        facts={"level": fact},
    )
    request = AppendRequest(entry.id, entry.type, Idempotency("s", "k", b""), Answer(201, body))
    prepared = Prepared(request, b"", None, b"", DataKey("", b"", WrappedKey("", b"")), True, (), (), None)
    leaf = encode_entry(entry)
    return PlannedEntry(entry, leaf, leaf_hash(leaf), prepared, (), ())


@given(bodies, paths, st.integers(0, 2**53 - 1), st.none() | st.just("c" * 32), texts)
def test_what_is_stored_gives_back_the_very_bytes(
    body: dict[str, object], path: list[bytes], position: int, child: str | None, fact: str
) -> None:
    made = planned(body, position=position, child=child, fact=fact)
    stored = stored_answer(made, path=path)
    given_once = answer_bytes(made, path=path, checkpoint=CHECKPOINT)
    assert whole_answer(stored, leaf=made.leaf, checkpoint=CHECKPOINT) == given_once


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_and_never_more_than_that(data: bytes) -> None:
    made = planned({}, position=1, child=None, fact="")
    try:
        whole_answer(data, leaf=made.leaf, checkpoint=CHECKPOINT)
    except IntegrityFailure:
        return
    assert data[0] == 1


@pytest.mark.parametrize("data", [b"", b"\x01", b"{}", b"\x02\x00{}", b"\x01\x01{}", b"\x01\x00[]", b"\x01\x40"])
def test_an_answer_in_no_known_form_is_an_integrity_failure(data: bytes) -> None:
    made = planned({}, position=1, child=None, fact="")
    with pytest.raises(IntegrityFailure):
        whole_answer(data, leaf=made.leaf, checkpoint=CHECKPOINT)
