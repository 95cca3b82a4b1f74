"""What shows a move, what does not, and who is told."""

import pytest

from services.notifier.domain.moves import KnownRole, Move, detect_move
from shared.entries import Entry, RoleFact, Subject
from shared.identifiers import AuthorityCode, ChildRef, EntryId, Position
from shared.vocabulary import EntryType

DARLINGTON, DURHAM, MIDDLESBROUGH = AuthorityCode("E06000005"), AuthorityCode("E06000047"), AuthorityCode("E06000002")
OLD_SHEFFIELD, SHEFFIELD = AuthorityCode("E08000019"), AuthorityCode("E08000039")
CHILD = ChildRef("c" * 32)


def report(role: str, authority: AuthorityCode, entry_type: EntryType = EntryType.WHEREABOUTS_REPORTED) -> Entry:
    return Entry(
        position=Position(10),
        id=EntryId("e" * 32),
        type=entry_type,
        time="2026-11-24T10:00:00.000000Z",
        subjects=(Subject(CHILD, 2, (RoleFact(role, authority),)),),
        facts={"permanence": "permanent"},
    )


def known(role: str, authority: AuthorityCode, position: int = 5) -> KnownRole:
    return KnownRole(role, authority, position)


def found(entry: Entry, *facts: KnownRole) -> Move | None:
    return detect_move(entry, known=facts, now_named={OLD_SHEFFIELD: SHEFFIELD})


def test_a_new_home_in_another_area_is_a_move_told_to_both() -> None:
    move = found(report("living_at", DURHAM), known("living_at", DARLINGTON))
    assert move is not None
    assert (move.from_authorities, move.to_authority, move.told) == ((DARLINGTON,), DURHAM, (DURHAM, DARLINGTON))


def test_a_share_that_tells_of_a_place_can_show_a_move() -> None:
    assert found(report("living_at", DURHAM, EntryType.SHARE_RECORDED), known("living_at", DARLINGTON)) is not None


def test_a_nursery_in_another_area_alone_shows_a_move() -> None:
    """Scenario 3: even when nobody else says anything."""
    assert found(report("education", DARLINGTON), known("living_at", MIDDLESBROUGH)) is not None


def test_who_holds_a_plan_is_told_as_well() -> None:
    move = found(report("living_at", DURHAM), known("living_at", DARLINGTON), known("plan_held_by", MIDDLESBROUGH))
    assert move is not None
    assert move.told == (DURHAM, DARLINGTON, MIDDLESBROUGH)


NO_MOVE: dict[str, tuple[Entry, tuple[KnownRole, ...]]] = {
    "the first known place": (report("living_at", DURHAM), ()),
    "the same area again": (report("living_at", DARLINGTON), (known("living_at", DARLINGTON),)),
    "a recoded authority": (report("living_at", SHEFFIELD), (known("living_at", OLD_SHEFFIELD),)),
    "being found elsewhere": (report("found_at", DURHAM), (known("living_at", DARLINGTON),)),
    "what was learnt later": (report("living_at", DURHAM), (known("living_at", DARLINGTON, 20),)),
    "the same school as before": (
        report("education", DURHAM),
        (known("living_at", DARLINGTON), known("education", DURHAM, 4)),
    ),
    "what an agency withholds": (
        report("living_at", DURHAM, EntryType.WITHHOLDING_RECORDED),
        (known("living_at", DARLINGTON),),
    ),
    "a fact of the exchange's own": (
        report("living_at", DURHAM, EntryType.CHILD_MOVE_SUSPECTED),
        (known("living_at", DARLINGTON),),
    ),
}


@pytest.mark.parametrize("case", NO_MOVE)
def test_what_is_no_move_is_not_told_as_one(case: str) -> None:
    entry, facts = NO_MOVE[case]
    assert found(entry, *facts) is None
