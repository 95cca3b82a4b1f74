"""What shows a move, what does not, and who is told."""

import pytest

from services.notifier.domain.moves import Move, Report, moves_shown
from shared.entries import RoleFact
from shared.identifiers import AuthorityCode, EntryId
from shared.vocabulary import EntryType

DARLINGTON, DURHAM, MIDDLESBROUGH = AuthorityCode("E06000005"), AuthorityCode("E06000047"), AuthorityCode("E06000002")
OLD_SHEFFIELD, SHEFFIELD = AuthorityCode("E08000019"), AuthorityCode("E08000039")
NOW_NAMED: dict[str, AuthorityCode] = {OLD_SHEFFIELD: SHEFFIELD}


def report(
    role: str, authority: AuthorityCode, entry_type: EntryType = EntryType.WHEREABOUTS_REPORTED, position: int = 10
) -> Report:
    roles = (RoleFact(role, authority),)
    return Report(position, roles, EntryId(f"{position:032x}"), entry_type.value, "permanent")


def known(role: str, authority: AuthorityCode, position: int = 5) -> Report:
    return report(role, authority, position=position)


def found(told: Report, *earlier: Report) -> Move | None:
    shown = moves_shown([*earlier, told], since=told.position, now_named=NOW_NAMED)
    return next((move for by, move in shown if by is told), None)


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


def test_an_earlier_report_that_comes_later_shows_the_move_of_the_one_that_came_before_it() -> None:
    """Kafka was wiped: position 20 came from the new topic, and position 10 later from the ledger."""
    late, first = report("living_at", DARLINGTON), known("living_at", DURHAM, 20)
    ((shown_by, move),) = moves_shown([late, first], since=late.position, now_named=NOW_NAMED)
    assert (shown_by, move.from_authorities, move.to_authority) == (first, (DARLINGTON,), DURHAM)


def test_what_is_before_a_report_is_not_looked_at_again() -> None:
    moved = report("living_at", DURHAM)
    again = known("living_at", DURHAM, 20)
    assert moves_shown([known("living_at", DARLINGTON), moved, again], since=20, now_named=NOW_NAMED) == []


def test_of_a_child_that_is_reported_often_only_the_new_report_is_held_against_the_rest() -> None:
    """Each report of a child would otherwise cost the square of all that are known of it."""
    looked_up: list[str] = []

    class Named(dict[str, AuthorityCode]):
        def get(self, code: str, default: AuthorityCode) -> AuthorityCode:  # type: ignore[override]
            looked_up.append(code)
            return default

    reports = [known("living_at", (DARLINGTON, DURHAM)[number % 2], number) for number in range(1000)]
    ((shown_by, _move),) = moves_shown(reports, since=999, now_named=Named())
    assert shown_by is reports[-1]
    assert len(looked_up) < 10


def test_a_home_shows_the_move_before_a_school_does() -> None:
    both = Report(
        10,
        (RoleFact("education", MIDDLESBROUGH), RoleFact("living_at", DURHAM)),
        EntryId("e" * 32),
        EntryType.SHARE_RECORDED.value,
    )
    move = found(both, known("living_at", DARLINGTON))
    assert move is not None
    assert (move.role, move.to_authority) == ("living_at", DURHAM)


NO_MOVE: dict[str, tuple[Report, tuple[Report, ...]]] = {
    "the first known place": (report("living_at", DURHAM), ()),
    "the same area again": (report("living_at", DARLINGTON), (known("living_at", DARLINGTON),)),
    "a recoded authority": (report("living_at", SHEFFIELD), (known("living_at", OLD_SHEFFIELD),)),
    "being found elsewhere": (report("found_at", DURHAM), (known("living_at", DARLINGTON),)),
    "what stands later in the ledger": (report("living_at", DURHAM), (known("living_at", DARLINGTON, 20),)),
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
    "what was learnt when its entry was not yet kept": (
        Report(10, (RoleFact("living_at", DURHAM),)),
        (known("living_at", DARLINGTON),),
    ),
}


@pytest.mark.parametrize("case", NO_MOVE)
def test_what_is_no_move_is_not_told_as_one(case: str) -> None:
    told, earlier = NO_MOVE[case]
    assert found(told, *earlier) is None
