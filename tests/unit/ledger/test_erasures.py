"""G9: what cannot be opened is a fault, unless an erasure after it accounts for it."""

import pytest

from services.ledger.audit.erasures import Erasures
from shared.canonical_json import Json
from shared.entries import Entry, Subject
from shared.identifiers import ChildRef, EntryId, Position
from shared.vocabulary import EntryType

CHILD = ChildRef("c" * 32)
TIME = "2026-11-24T10:00:00.000000Z"
SHARED = Entry(Position(1), EntryId("1" * 32), EntryType.SHARE_RECORDED, TIME, subjects=(Subject(CHILD, 1),))
NOBODYS = Entry(Position(2), EntryId("2" * 32), EntryType.SHARE_RECORDED, TIME)
CONFLICTED = Entry(
    Position(3), EntryId("3" * 32), EntryType.REQUEST_CONFLICTED, TIME, facts={"sealed_under": str(CHILD)}
)


def erasure(target: Json) -> Entry:
    """Return an erasure of a target."""
    return Entry(Position(9), EntryId("9" * 32), EntryType.ERASURE_RECORDED, TIME, facts={"target": target})


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ({"scope": "child", "child": str(CHILD), "entry": None}, [2]),
        ({"scope": "entry", "child": None, "entry": NOBODYS.id}, [1, 3]),
        ({"scope": "entry", "child": str(CHILD), "entry": SHARED.id}, [2, 3]),
        ({"scope": "child", "child": "d" * 32, "entry": None}, [1, 2, 3]),
        ("nothing that can be read", [1, 2, 3]),
    ],
)
def test_an_erasure_accounts_for_what_it_names_and_nothing_else(target: Json, left: list[int]) -> None:
    erasures = Erasures()
    for entry in (SHARED, NOBODYS, CONFLICTED):
        erasures.miss(entry, "body", "lacks it")
    erasures.take(erasure(target))
    assert [each.position for each in erasures.unaccounted()] == left
    assert erasures.erased == 3 - len(left)


def test_an_erasure_does_not_account_for_what_was_sealed_after_it() -> None:
    erasures = Erasures()
    erasures.take(erasure({"scope": "child", "child": str(CHILD), "entry": None}))
    erasures.miss(SHARED, "body", "lacks it")
    assert [each.position for each in erasures.unaccounted()] == [1]
