"""*None* and *none for you* cost the same calls, with the same arguments but for references, and leave on one beat."""

from dataclasses import dataclass, field

import pytest

from services.ledger.domain.plan import IdentifierToken
from services.ledger.ports import HashedEntry
from services.ledger.reading.find_child import BEAT_S, ChildFinder, LoopBeat
from shared.entries import encode_entry
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import ChildRef
from shared.ledger.messages import AppendRequest, ChildIdentifier
from shared.ledger.reading_messages import ChildFound, FindChild
from shared.transparency.merkle import leaf_hash
from tests.machinery.cases import CHILD, CLINIC, SCHOOL, CaseBook
from tests.machinery.readers import Appends, Registered, signed_read

BODY = b'{"child": {}}'
ASKED = FindChild((ChildIdentifier("nhs_number+date_of_birth", "x", identifying=True),), signed_read("/s", body=BODY))


@dataclass
class Searched:
    """A finder over one case, that notes every call it makes."""

    book: CaseBook
    known: ChildRef | None
    edited: bool = False
    calls: list[str] = field(default_factory=list)
    registered: Registered = field(default_factory=Registered)
    appends: Appends = field(default_factory=Appends)

    async def identified_by(self, tokens: tuple[bytes, ...]) -> ChildRef | None:
        self.calls.append(f"identified_by {tokens!r}")
        return self.known

    async def hashed_child_entries(self, ref: ChildRef) -> tuple[HashedEntry, ...]:
        self.calls.append(f"child_entries of {len(ref)}")
        leaves = [(each.position, encode_entry(each)) for each in (self.book.entries if ref == CHILD else ())]
        return tuple(HashedEntry(at, leaf, leaf_hash(leaf + b" " * self.edited)) for at, leaf in leaves)

    def started(self) -> float:
        self.calls.append("beat started")
        return 0.0

    async def next(self, started: float) -> None:
        self.calls.append(f"beat waited for since {started}")

    async def append_noted(self, request: AppendRequest) -> None:
        sealed = [section.name for section in request.sections]
        self.calls.append(f"append {request.type} about {request.child} sealing {sealed}")

    async def find(self, asked: FindChild = ASKED) -> ChildFound:
        """Search, and note what was appended in its place among the calls."""
        finder = ChildFinder(
            index=self,
            tokens=lambda identifiers: tuple(IdentifierToken(each.value.encode(), True) for each in identifiers),
            prover=self.registered.prover(),
            recorder=self.appends.recorder(),
            now_named=lambda: lambda code: code,
            random=bytes,
            beat=self,
        )
        found = await finder.find(asked)
        for request in self.appends.taken:
            await self.append_noted(request)
        return found


def book_of(agency: str) -> CaseBook:
    book = CaseBook()
    for _ in range(20):
        book.share(CLINIC if agency == CLINIC else SCHOOL)
    return book


async def test_none_and_none_for_you_do_the_very_same_work() -> None:
    nobody = Searched(CaseBook(), known=None)
    not_for_you = Searched(book_of(CLINIC), known=CHILD)
    assert await nobody.find() == await not_for_you.find() == ChildFound(None)
    assert nobody.calls == not_for_you.calls
    assert len(nobody.calls) == 5
    asked = [each.appends.taken[0].facts for each in (nobody, not_for_you)]
    assert [facts["known_as"] for facts in asked] == [None, CHILD]


async def test_a_search_without_anything_that_identifies_does_the_same_work_too() -> None:
    nothing = Searched(CaseBook(), known=None)
    assert await nothing.find(FindChild((), ASKED.signed)) == ChildFound(None)
    assert [call.split()[0] for call in nothing.calls] == ["beat", "identified_by", "child_entries", "beat", "append"]


async def test_who_has_a_part_finds_the_child_and_that_is_a_look_at_it() -> None:
    mine = Searched(book_of(SCHOOL), known=CHILD)
    assert await mine.find() == ChildFound(CHILD)
    (look,) = mine.appends.taken
    assert look.child is not None
    assert (look.child.ref, [section.name for section in look.sections]) == (CHILD, ["signature"])


async def test_by_entries_that_were_changed_nobody_is_let_in_and_who_has_no_part_learns_nothing_of_it() -> None:
    mine, not_mine = (Searched(book_of(agency), known=CHILD, edited=True) for agency in (SCHOOL, CLINIC))
    with pytest.raises(IntegrityFailure, match="the ledger is damaged here"):
        await mine.find()
    assert await not_mine.find() == ChildFound(None)


async def test_nothing_is_found_that_cannot_be_put_on_the_record() -> None:
    mine = Searched(book_of(SCHOOL), known=CHILD)
    mine.appends.failing = True
    with pytest.raises(Unavailable):
        await mine.find()
    assert mine.calls[-1].startswith("beat waited"), "a failure leaves on the beat as well"


@pytest.mark.parametrize(("took_s", "waits_s"), [(0.0, 0.1), (0.03, 0.07), (0.25, 0.05)])
async def test_answers_leave_at_whole_beats(took_s: float, waits_s: float) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    clock = iter([0.0, took_s])
    beat = LoopBeat(now=lambda: next(clock), sleep=sleep)
    await beat.next(beat.started())
    assert waited == [pytest.approx(waits_s)]
    assert waited[0] <= BEAT_S
