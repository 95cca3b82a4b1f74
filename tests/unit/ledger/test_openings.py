"""Every look at what is sealed is listed as its entry says it: who, when, why, and of which child and record."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from services.ledger.audit.openings import openings
from shared.entries import Entry, Subject
from shared.identifiers import AgencyId, ChildRef, EntryId, Position
from shared.vocabulary import EntryType
from tests.machinery.one_childs_history import CHILD, DARLINGTON, OTHER, history, time_of

SCHOOL = AgencyId("school")


def looked(position: int, entry_type: EntryType, *, child: ChildRef | None = None, **facts: object) -> Entry:
    """Return the entry that says that the school looked."""
    return Entry(
        Position(position),
        EntryId(f"{position:032x}"),
        entry_type,
        time_of(position),
        agency=SCHOOL,
        subjects=(Subject(child, 9),) if child else (),
        facts=facts,
    )


async def every(entries: list[Entry]) -> AsyncIterator[Entry]:
    for entry in entries:
        yield entry


LOOKS = [
    *history(),
    replace(
        looked(8, EntryType.CHRONOLOGY_READ, child=OTHER, section="body", purpose="chronology", caller="reader"),
        causes=(EntryId("7" * 32), EntryId("6" * 32)),
    ),
    looked(9, EntryType.CHILD_SEARCHED, section="none", purpose="search", caller="reader", known_as=OTHER),
    looked(10, EntryType.CHILD_SEARCHED, section="none", purpose="search", caller="reader", known_as=None),
    looked(
        11,
        EntryType.CONTENT_OPENED,
        child=CHILD,
        section="note",
        purpose="break-glass:complaint:run",
        reason="complaint",
        by="p.ellis",
    ),
]


async def test_a_delivery_is_told_with_its_record_its_child_and_for_whom() -> None:
    first = await anext(openings(every(LOOKS)))
    assert (first.position, first.by, first.recipient) == (1, "notifier", f"authority:{DARLINGTON}")
    assert (first.section, first.children, first.entries) == ("body", (CHILD,), (EntryId("0" * 32),))
    assert (first.reason, first.account, first.range) == (None, None, None)


async def test_a_break_glass_is_told_with_its_reason_and_the_account_that_broke_it() -> None:
    last = [each async for each in openings(every(LOOKS))][-1]
    assert (last.by, last.account, last.reason, last.section) == (SCHOOL, "p.ellis", "complaint", "note")


async def test_whom_a_search_would_have_found_is_told_to_auditors() -> None:
    found = {int(each.position): each.children async for each in openings(every(LOOKS))}
    assert (found[9], found[10]) == ((OTHER,), ())


@pytest.mark.parametrize(
    ("asked", "positions"),
    [
        ({}, [1, 5, 8, 9, 10, 11]),
        ({"since": time_of(8)}, [8, 9, 10, 11]),
        ({"child": CHILD}, [1, 5, 11]),
        ({"child": CHILD, "since": time_of(5)}, [5, 11]),
        # Position 7 is about the other child, and the audit's range ends before it.
        ({"child": OTHER}, [8, 9]),
    ],
)
async def test_those_asked_for_are_listed_and_no_others(asked: dict[str, str], positions: list[int]) -> None:
    child = asked.get("child")
    found = openings(every(LOOKS), since=asked.get("since"), child=ChildRef(child) if child else None)
    assert [each.position async for each in found] == positions
