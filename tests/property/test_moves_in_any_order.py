"""Whatever the order in which reports of a child arrive, every move is told that they show in the ledger's order."""

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.moves import Report, moves_shown
from shared.entries import RoleFact
from shared.identifiers import AuthorityCode, EntryId
from shared.vocabulary import EntryType

Told = set[tuple[EntryId | None, tuple[AuthorityCode, ...]]]

RECODED: dict[str, AuthorityCode] = {"E08000019": AuthorityCode("E08000039")}
AREAS = tuple(AuthorityCode(code) for code in ("E06000005", "E06000047", "E06000002", "E08000019", "E08000039"))
ROLES = ("living_at", "education", "found_at", "plan_held_by", "looked_after_by")
TYPES = (EntryType.WHEREABOUTS_REPORTED, EntryType.SHARE_RECORDED, EntryType.WITHHOLDING_RECORDED)

facts = st.builds(RoleFact, st.sampled_from(ROLES), st.sampled_from(AREAS))
contents = st.tuples(st.sampled_from(TYPES), st.lists(facts, min_size=1, max_size=3, unique=True))


@st.composite
def arrivals(draw: st.DrawFn) -> list[Report]:
    """Draw a child's reports in the order in which they arrive."""
    told = draw(st.lists(contents, min_size=2, max_size=6))
    reports = [
        Report(position, tuple(roles), EntryId(f"{position:032x}"), entry_type.value)
        for position, (entry_type, roles) in enumerate(told)
    ]
    return draw(st.permutations(reports))


def told_by(reports: list[Report]) -> Told:
    """Return who is told of which entry's move while reports arrive one after the other."""
    told: Told = set()
    for count, report in enumerate(reports, 1):
        shown = moves_shown(reports[:count], since=report.position, now_named=RECODED)
        told |= {(by.entry, move.told) for by, move in shown}
    return told


@given(arrivals())
def test_no_order_of_arrival_hides_a_move(arriving: list[Report]) -> None:
    in_order = told_by(sorted(arriving, key=lambda report: report.position))
    assert in_order <= told_by(arriving)


@given(arrivals())
def test_what_comes_in_order_is_told_once_for_each_entry(arriving: list[Report]) -> None:
    in_order = told_by(sorted(arriving, key=lambda report: report.position))
    assert len(in_order) == len({entry for entry, _ in in_order})
