"""What auditors may read of the log at the gateway, over a ledger in memory."""

from dataclasses import dataclass, field

import pytest

from services.gateway.read_ledger import LedgerReader
from shared.errors import InvalidInput, NotFound
from shared.identifiers import ChildRef, Position
from shared.ledger.audit_messages import BreakGlass, GlassBroken, OpenSignatures, SignaturesPage, WhoKnew, WhoKnewQuery
from shared.ledger.messages import EntriesPage, StoredEntry
from tests.machinery.fakes import FakeClock


@dataclass
class FakeAuditLedger:
    """A ledger of three entries and one tile, that notes what it was asked."""

    asked: list[WhoKnewQuery] = field(default_factory=list)

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        stored = [StoredEntry(Position(each), b"%d" % each) for each in range(3)]
        page = [each for each in stored if each.position > after and not (registry_only and each.position == 1)]
        return EntriesPage(tuple(page[:limit]), 3)

    async def tile(self, path: str) -> bytes:
        files = {"checkpoint": b"a note with its cosignatures", "tile/0/000.p/3": b"hashes"}
        if path not in files:
            raise NotFound("there is no such file")
        return files[path]

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        self.asked.append(query)
        return WhoKnew(
            child=query.child,
            as_at=query.as_at,
            entries=0,
            roles={},
            responsible=None,
            decisions=(),
            told=(),
            looks=(),
            moves=(),
            changes=(),
        )

    async def break_glass(self, request: BreakGlass) -> GlassBroken:
        raise NotFound("nothing is sealed here")

    async def open_signatures(self, request: OpenSignatures) -> SignaturesPage:
        raise NotFound("nothing is signed here")


async def test_the_checkpoint_is_the_published_one_with_whoever_cosigned_it() -> None:
    reader = LedgerReader(ledger=FakeAuditLedger(), clock=FakeClock())
    assert await reader.checkpoint() == b"a note with its cosignatures"


async def test_a_tile_is_read_by_its_one_path_and_nothing_else_is() -> None:
    reader = LedgerReader(ledger=FakeAuditLedger(), clock=FakeClock())
    assert await reader.tile("tile/0/000.p/3") == b"hashes"
    for path in ("tile/0/001", "tile/0/000.p/256", "tile/../secrets", "tile/0/0", "tile//000", "tile/64/000"):
        with pytest.raises(NotFound):
            await reader.tile(path)


async def test_entries_come_one_to_a_line_from_where_they_are_asked_for() -> None:
    reader = LedgerReader(ledger=FakeAuditLedger(), clock=FakeClock())
    assert await reader.entries(after="-1", limit="2") == b"0\n1\n"
    assert await reader.entries(after="1", limit="500") == b"2\n"
    assert await reader.entries(after="-1", limit="2", registry_only=True) == b"0\n2\n"
    for after, limit in (("-2", "1"), ("0", "0"), ("0", "many"), ("9" * 30, "1")):
        with pytest.raises(InvalidInput):
            await reader.entries(after=after, limit=limit)


async def test_a_moment_is_brought_to_utc_and_is_now_when_none_is_given() -> None:
    ledger = FakeAuditLedger()
    reader = LedgerReader(ledger=ledger, clock=FakeClock())
    await reader.who_knew("c" * 32, as_at="2026-11-24T11:00:00+01:00")
    await reader.who_knew("c" * 32, as_at=None)
    assert ledger.asked == [WhoKnewQuery(ChildRef("c" * 32), "2026-11-24T10:00:00.000000Z")] * 2
    for child, moment in (("nobody", ""), ("c" * 32, "yesterday")):
        with pytest.raises(InvalidInput):
            await reader.who_knew(child, as_at=moment)
