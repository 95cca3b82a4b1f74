"""A snapshot leads to the log it is of and to no other; damaged, foreign or cut short, it is refused."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from services.ledger.audit.replay import ReplayedState
from services.ledger.audit.snapshot import SnapshotForeign, begin, catch_up, read_snapshot, write_snapshot
from shared.entries import encode_entry
from shared.errors import InvalidInput
from shared.identifiers import Position, TreeSize
from shared.ledger.messages import StoredEntry
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import leaf_hash, tree_root
from tests.machinery.fakes import FakeLedger

ORIGIN = "ledger.example/snapshots"
pytestmark = pytest.mark.asyncio(loop_scope="session")


def leaves(count: int) -> list[bytes]:
    """Return a log of shares."""
    ledger = FakeLedger()
    for number in range(count):
        ledger.add_share(child="abc"[number % 3])
    return [encode_entry(entry) for entry in ledger.stored]


def signed(log: Sequence[bytes], origin: str = ORIGIN) -> Checkpoint:
    """Return what a log's key would have signed."""
    return Checkpoint(origin, TreeSize(len(log)), tree_root([leaf_hash(leaf) for leaf in log]))


async def after(log: Sequence[bytes], size: int) -> AsyncIterator[StoredEntry]:
    """Yield the entries from a size on."""
    for position in range(size, len(log)):
        yield StoredEntry(Position(position), log[position])


async def test_a_snapshot_kept_and_caught_up_is_what_a_whole_replay_gives(tmp_path: Path) -> None:
    log, path = leaves(20), tmp_path / "snapshot"
    part = await catch_up(begin(ORIGIN), after(log, 0), to=signed(log[:7]))
    write_snapshot(path, part)
    kept = read_snapshot(path)
    assert kept is not None
    assert (kept.size, kept.root) == (7, signed(log[:7]).root.hex())
    whole = await catch_up(begin(ORIGIN), after(log, 0), to=signed(log))
    assert await catch_up(kept, after(log, 7), to=signed(log)) == whole
    assert isinstance(whole.state, ReplayedState)
    assert len(whole.state.told) == 20


async def test_a_snapshot_of_a_log_that_was_rewritten_behind_it_is_refused() -> None:
    log = leaves(20)
    kept = await catch_up(begin(ORIGIN), after(log, 0), to=signed(log[:7]))
    rewritten = [log[0].replace(b"same_day", b"some_day"), *log[1:]]
    with pytest.raises(SnapshotForeign):
        await catch_up(kept, after(rewritten, 7), to=signed(rewritten))


async def test_a_snapshot_of_another_log_or_ahead_of_this_one_is_refused() -> None:
    log = leaves(20)
    kept = await catch_up(begin(ORIGIN), after(log, 0), to=signed(log[:7]))
    with pytest.raises(SnapshotForeign):
        await catch_up(kept, after(log, 7), to=signed(log, "ledger.example/another"))
    with pytest.raises(SnapshotForeign):
        await catch_up(kept, after(log[:5], 5), to=signed(log[:5]))
    with pytest.raises(SnapshotForeign):
        await catch_up(kept, after(log, 8), to=signed(log))


async def test_a_snapshot_that_contradicts_itself_or_is_damaged_is_refused(tmp_path: Path) -> None:
    log, path = leaves(9), tmp_path / "snapshot"
    kept = await catch_up(begin(ORIGIN), after(log, 0), to=signed(log))
    with pytest.raises(SnapshotForeign):
        await catch_up(msgspec.structs.replace(kept, root="00" * 32), after(log, 9), to=signed(log))
    write_snapshot(path, kept)
    path.write_bytes(path.read_bytes().replace(b'"owed"', b'"done"', 1))
    with pytest.raises(InvalidInput):
        read_snapshot(path)
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidInput):
        read_snapshot(path)
    assert read_snapshot(tmp_path / "none") is None
