"""How an entry stands is told from what was recorded and published, in as much work whether it is there or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from services.ledger.audit.damage import LedgerDamaged, damaged
from services.ledger.ports import HashedEntry
from services.ledger.read_entry_status import read_entry_status
from shared.entries import encode_entry
from shared.errors import NotFound
from shared.identifiers import EntryId, Position
from shared.ledger.audit_messages import Verification
from shared.ledger.messages import ObligationState, StoredEntry
from shared.transparency.merkle import leaf_hash
from tests.machinery.cases import CaseBook


@dataclass
class Stored:
    """Two entries as stored, and what was asked of them."""

    leaves: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        book = CaseBook()
        self.ids = [book.share().id, book.share().id]
        self.leaves = [encode_entry(each) for each in book.entries]
        self.published = [leaf_hash(leaf) for leaf in self.leaves]
        self.hashes = [*self.published]

    async def entry(self, entry_id: EntryId) -> HashedEntry:
        self.asked.append("entry")
        if entry_id not in self.ids:
            raise NotFound("there is no entry of that id")
        at = self.ids.index(entry_id)
        return HashedEntry(Position(at), self.leaves[at], self.hashes[at])

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        assert not registry_only
        pages = enumerate(self.leaves[after + 1 :][:limit], start=after + 1)
        return tuple(StoredEntry(Position(at), leaf) for at, leaf in pages)

    async def answer(self, _position: Position) -> bytes:
        self.asked.append("answer")
        return b"{}"

    async def obligations_of(self, _position: Position) -> tuple[ObligationState, ...]:
        self.asked.append("obligations")
        return ()

    async def verification(self, told: Sequence[HashedEntry]) -> Verification:
        self.asked += ["proof"] * len(told)
        if any(each.leaf_hash != self.published[each.position] for each in told):
            raise damaged("an entry is not the one that was signed and published")
        return Verification(True, len(self.leaves))


async def test_an_entry_is_told_of_once_it_is_held_against_what_was_published() -> None:
    stored = Stored()
    status = await read_entry_status(stored, stored, stored.ids[1])
    assert (status.position, status.leaf, status.answer) == (1, stored.leaves[1], b"{}")
    known, stored.asked = sorted(stored.asked), []
    with pytest.raises(NotFound):
        await read_entry_status(stored, stored, EntryId("f" * 32))
    assert sorted(stored.asked) == known, "what is not there must take as much work as what is"


@pytest.mark.parametrize("with_its_hash", [False, True])
async def test_an_entry_that_was_changed_is_not_told_of(with_its_hash: bool) -> None:
    stored = Stored()
    stored.leaves[1] = stored.leaves[1].replace(b"a-school", b"a-strngr")
    stored.hashes[1] = leaf_hash(stored.leaves[1]) if with_its_hash else stored.hashes[1]
    with pytest.raises(LedgerDamaged):
        await read_entry_status(stored, stored, stored.ids[1])
