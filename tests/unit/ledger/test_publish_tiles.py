"""Publishing: what is covered is there, nothing is written twice, and no crash or damage yields a bad checkpoint."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.ledger.adapters.tile_files import PublishedFileDamaged, PublishedGoesBack, TileFiles
from services.ledger.write_tiles import DatabaseContradictsPublished
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import leaf_hash, tree_root
from shared.transparency.signed_note import open_note
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tiles import bundle_bytes, tile_path, tiles_of
from tests.machinery.publishing import ENTRIES, Publishing
from tests.machinery.tiled_log import LOG, FakeEntries


async def check_folder(files: TileFiles, leaves: Sequence[bytes]) -> None:
    """Recompute the whole published tree from its files, as a stranger would."""
    checkpoint = open_checkpoint(files.read_now("checkpoint"), [LOG.verifier()])
    assert checkpoint.size == len(leaves)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert checkpoint.root == tree_root(hashes)
    for level, index, width in tiles_of(checkpoint.size):
        span = hashes[index * 256 : index * 256 + width] if level == 0 else None
        data = files.read_now(tile_path(level, index, width=width))
        if span is not None:
            assert data == b"".join(span)
            assert files.read_now(tile_path(None, index, width=width)) == bundle_bytes(
                leaves[index * 256 : index * 256 + width]
            )
        else:
            below = 256**level
            assert data == b"".join(
                tree_root(hashes[number * below : (number + 1) * below])
                for number in range(index * 256, index * 256 + width)
            )


@pytest.mark.parametrize("sizes", [[1], [255], [256], [257], [1, 2, 255, 256, 257, 600], [511, 512, 513], [70, 800]])
async def test_the_published_files_are_the_whole_tree_and_nothing_else_that_is_full(
    tmp_path: Path, sizes: list[int]
) -> None:
    publishing = Publishing(tmp_path / "tiles")
    await publishing.to(*sizes)
    await check_folder(publishing.files, ENTRIES.leaves[: sizes[-1]])


async def test_a_tree_of_three_levels_is_published_and_proven_from_its_files(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path / "tiles")
    await publishing.to(65_535, 65_537)
    await check_folder(publishing.files, ENTRIES.leaves[:65_537])
    published = publishing.files.published()
    assert published is not None
    assert (await TileProver(publishing.files, published).inclusion(65_535)).leaf_hash == leaf_hash(
        ENTRIES.leaves[65_535]
    )


async def test_partial_files_go_once_the_full_one_is_published_and_no_sooner(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path / "tiles")
    await publishing.to(3, 9, 255)
    assert {"tile/0/000.p/3", "tile/0/000.p/9", "tile/0/000.p/255", "tile/entries/000.p/3"} <= publishing.names()
    await publishing.to(300)
    assert publishing.names() == {
        "checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44",
    }  # fmt: skip


async def test_going_on_reads_only_what_is_new(tmp_path: Path) -> None:
    entries = FakeEntries.of(20_100)
    await Publishing(tmp_path / "tiles", entries).to(20_000)
    entries.asked = 0
    await Publishing(tmp_path / "tiles", entries).to(20_010)
    assert entries.asked <= 256


async def test_publishing_that_fails_again_and_again_does_not_walk_every_file_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ledger.publish_tiles.RETRY_AFTER_S", 0.001)
    attempts, sweeps = 0, 0

    class FullDisk(TileFiles):
        def publish(self, note: bytes) -> None:
            nonlocal attempts
            attempts += 1
            raise OSError(28, "No space left on device")

        def sweep(self, covered: TreeSize) -> None:
            nonlocal sweeps
            sweeps += 1

    publishing = Publishing(tmp_path / "tiles", files=FullDisk(tmp_path / "tiles"))
    async with publishing.running():
        publishing.release(5)
        async with asyncio.timeout(10):
            while attempts < 5:
                await asyncio.sleep(0.001)
    assert sweeps == 1


async def test_a_crash_between_tiles_and_checkpoint_is_finished_by_the_next_run(tmp_path: Path) -> None:
    class Crash(Exception):
        pass

    class DiesBeforeCheckpoint(TileFiles):
        def publish(self, note: bytes) -> None:
            raise Crash

    folder = tmp_path / "tiles"
    await Publishing(folder).to(300)
    with pytest.raises(Crash):
        await Publishing(folder, files=DiesBeforeCheckpoint(folder)).to(700)
    after = TileFiles(folder).published()
    assert after is not None
    assert after.size == 300
    publishing = Publishing(folder)
    await publishing.to(701)
    await check_folder(publishing.files, ENTRIES.leaves[:701])


async def test_a_crash_before_the_checkpoint_leaves_the_published_tree_whole_and_no_partial_file_for_ever(
    tmp_path: Path,
) -> None:
    class Crash(Exception):
        pass

    class DiesBeforeCheckpoint(TileFiles):
        def publish(self, note: bytes) -> None:
            raise Crash

    folder = tmp_path / "tiles"
    await Publishing(folder).to(250)
    for size in (300, 310):
        # Each writes partial files of the second tile, the next after a sweep as at every start.
        with pytest.raises(Crash):
            await Publishing(folder, files=DiesBeforeCheckpoint(folder)).to(size)
        await check_folder(TileFiles(folder), ENTRIES.leaves[:250])
    publishing = Publishing(folder)
    await publishing.to()
    await check_folder(publishing.files, ENTRIES.leaves[:250])
    await publishing.to(600)
    outgrown = tuple(f"tile/{kind}/{index}.p" for kind in ("0", "entries") for index in ("000", "001"))
    assert not {name for name in publishing.names() if name.startswith(outgrown)}
    await check_folder(publishing.files, ENTRIES.leaves[:600])


@pytest.mark.parametrize("lost", ["checkpoint", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44", "all"])
async def test_what_is_lost_at_the_edge_or_altogether_is_made_again_before_publishing_goes_on(
    tmp_path: Path, lost: str
) -> None:
    folder = tmp_path / "tiles"
    await Publishing(folder).to(300)
    for path in folder.rglob("*"):
        if path.is_file() and (lost == "all" or str(path.relative_to(folder)) == lost):
            path.unlink()
    publishing = Publishing(folder)
    await publishing.to(320)
    await check_folder(publishing.files, ENTRIES.leaves[:320])


@pytest.mark.parametrize("lost", ["tile/0/000", "tile/entries/000"])
async def test_a_full_file_that_is_lost_is_noticed_beside_publishing_and_made_again(tmp_path: Path, lost: str) -> None:
    folder = tmp_path / "tiles"
    await Publishing(folder).to(300)
    (folder / lost).unlink()
    publishing = Publishing(folder)
    publishing.released = ENTRIES.head(300)
    async with publishing.running():
        await until(lambda: (folder / lost).exists())
        publishing.release(320)
        await until(lambda: publishing.size() == 320)
    await check_folder(publishing.files, ENTRIES.leaves[:320])


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: data[:9] + b"x" + data[10:]])
@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000", "tile/0/001.p/44", "tile/entries/001.p/44"])
async def test_a_file_torn_or_altered_while_the_ledger_was_down_halts_publishing_until_it_is_moved_away(
    tmp_path: Path, path: str, damage: Callable[[bytes], bytes]
) -> None:
    folder = tmp_path / "tiles"
    await Publishing(folder).to(300)
    (folder / path).write_bytes(damage((folder / path).read_bytes()))
    publishing = Publishing(folder)
    publishing.released = ENTRIES.head(300)
    async with publishing.running():
        await until(lambda: REGISTRY.get_sample_value("ledger_publish_halted") == 1)
        publishing.release(320)
        (folder / path).unlink()
        await until(lambda: publishing.size() == 320)
        await until(lambda: REGISTRY.get_sample_value("ledger_publish_halted") == 0)
    await check_folder(publishing.files, ENTRIES.leaves[:320])


async def test_a_proof_for_a_witness_that_damage_prevents_has_the_files_looked_over_and_ends_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "tiles"
    await Publishing(folder).to(600)
    publishing = Publishing(folder)
    publishing.released = ENTRIES.head(600)
    async with publishing.running():
        await until(lambda: [each.size for each in publishing.witnesses.seen] == [600])
        (folder / "tile/0/001").write_bytes(bytes(256 * 32))
        publishing.witnesses.seen = [checkpoint_at(300)]
        publishing.release(700)
        await until(lambda: REGISTRY.get_sample_value("ledger_publish_halted") == 1)
        (folder / "tile/0/001").unlink()
        publishing.release(720)
        await until(lambda: publishing.size() == 720)
    await check_folder(publishing.files, ENTRIES.leaves[:720])


def checkpoint_at(size: int) -> Checkpoint:
    return open_checkpoint(ENTRIES.head(size).checkpoint, [LOG.verifier()])


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():
            await asyncio.sleep(0.01)


async def test_a_published_file_that_was_altered_halts_publishing_and_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    await Publishing(folder).to(300)
    (folder / "tile/0/001.p/44").write_bytes(bytes(44 * 32))
    with pytest.raises(PublishedFileDamaged, match=r"tile/0/001\.p/44"):
        await Publishing(folder).to(400)
    assert open_checkpoint((folder / "checkpoint").read_bytes(), [LOG.verifier()]).size == 300


async def test_a_file_that_reads_back_otherwise_is_never_covered_by_a_checkpoint(tmp_path: Path) -> None:
    class BadDisk(TileFiles):
        def read_now(self, path: str) -> bytes:
            data = super().read_now(path)
            return data[:-1] + bytes([data[-1] ^ 1]) if path.startswith("tile/entries/001") else data

    publishing = Publishing(tmp_path / "tiles", files=BadDisk(tmp_path / "tiles"))
    with pytest.raises(DatabaseContradictsPublished):
        await publishing.to(300)
    assert publishing.files.published() is None


@pytest.mark.parametrize("position", [270, 299, 305])
async def test_an_entry_changed_in_the_database_is_never_published(tmp_path: Path, position: int) -> None:
    entries = FakeEntries(list(ENTRIES.leaves[:400]))
    await Publishing(tmp_path / "tiles", entries).to(300)
    honest = entries.head(400)
    entries.leaves[position] = b"rewritten"
    publishing = Publishing(tmp_path / "tiles", entries)
    edge = await publishing.to()
    with pytest.raises((DatabaseContradictsPublished, PublishedFileDamaged)):
        await publishing.publisher.publish(edge, honest)
    published = publishing.files.published()
    assert published is not None
    assert published.size == 300


async def test_a_rewritten_history_is_not_published_even_when_it_is_signed(tmp_path: Path) -> None:
    entries = FakeEntries(list(ENTRIES.leaves[:400]))
    await Publishing(tmp_path / "tiles", entries).to(300)
    entries.leaves[270] = b"rewritten"
    with pytest.raises(DatabaseContradictsPublished):
        await Publishing(tmp_path / "tiles", entries).to(600 - 230)


async def test_entries_missing_from_the_database_are_not_passed_over(tmp_path: Path) -> None:
    entries = FakeEntries(list(ENTRIES.leaves[:300]))
    head = entries.head(300)
    del entries.leaves[-1]
    publishing = Publishing(tmp_path / "tiles", entries)
    with pytest.raises(DatabaseContradictsPublished):
        await publishing.publisher.publish(await publishing.to(), head)


async def test_witnesses_are_shown_proofs_and_their_cosignatures_published(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path / "tiles")
    await publishing.to(3, 256, 600)
    assert [checkpoint.size for checkpoint in publishing.witnesses.seen] == [3, 256, 600]
    opened = open_note(publishing.files.read_now("checkpoint"), [LOG.verifier()])
    assert [signature.name for signature in opened.unknown] == ["witness.example"]


async def test_a_full_disk_is_tried_again_and_a_contradiction_ends_the_ledger(tmp_path: Path) -> None:
    class FullAtFirst(TileFiles):
        refusals = 2

        def write_once(self, path: str, data: bytes) -> None:
            if self.refusals:
                self.refusals -= 1
                raise OSError(28, "No space left on device")
            super().write_once(path, data)

    entries = FakeEntries(list(ENTRIES.leaves[:300]))
    publishing = Publishing(tmp_path / "tiles", entries, files=FullAtFirst(tmp_path / "tiles"))
    publishing.released = entries.head(200)
    running = asyncio.create_task(publishing.publisher.run())
    while publishing.files.published() is None:
        await asyncio.sleep(0.05)
    await check_folder(publishing.files, entries.leaves[:200])
    publishing.released = entries.head(300)
    entries.leaves[250] = b"rewritten"
    publishing.publisher.wake()
    with pytest.raises(DatabaseContradictsPublished):
        await running


async def test_a_publisher_that_lost_its_office_does_not_put_the_checkpoint_back(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    late = Publishing(folder)
    edge = await late.to(300)
    await Publishing(folder).to(900)
    with pytest.raises(PublishedGoesBack):
        await late.publisher.publish(edge, ENTRIES.head(400))
    published = TileFiles(folder).published()
    assert published is not None
    assert published.size == TreeSize(900)
