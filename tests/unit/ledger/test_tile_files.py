"""Published files appear whole, stay the same for ever, and cannot be reached from outside their folder."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.adapters.tile_files import PublishedFileDamaged, PublishedGoesBack, TileFiles
from shared.errors import InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.signed_note import NoteSigner

LOG = NoteSigner("log.example/a", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))


def note(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(LOG.name, TreeSize(size), bytes(32)), [LOG])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiles"


@pytest.fixture
def files(folder: Path) -> TileFiles:
    return TileFiles(folder)


async def test_what_was_written_is_read_and_may_be_written_again(files: TileFiles, folder: Path) -> None:
    for _ in range(2):
        files.write_once("tile/0/x001/234.p/7", b"bytes")
    assert await files.read("tile/0/x001/234.p/7") == b"bytes"
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["7"]


def test_other_bytes_at_the_same_path_are_refused_and_change_nothing(files: TileFiles) -> None:
    files.write_once("tile/0/000", b"first")
    with pytest.raises(PublishedFileDamaged, match="tile/0/000"):
        files.write_once("tile/0/000", b"other")
    assert files.read_now("tile/0/000") == b"first"


def test_a_file_torn_by_a_crash_is_never_seen_and_swept_away(files: TileFiles, folder: Path) -> None:
    files.write_once("tile/entries/000", b"whole")
    torn = folder / "tile" / "entries" / ".unfinished-abc"
    torn.write_bytes(b"who")
    files.write_once("tile/entries/001", b"more")
    files.sweep(TreeSize(0))
    assert not torn.exists()
    assert files.read_now("tile/entries/000") == b"whole"


@pytest.mark.parametrize(
    "path",
    ["../secret", "tile/../../secret", "/etc/passwd", "tile/0/000/../../../x", ".lock", "tile/0/000.p/256", "",
     "tile/0", "tile/0/000\n", "tile/64/000", "tile/0/000.p/..", "checkpoint/", "tile//0/000",
     "tile/0/\u0660\u0660\u0660"],
)  # fmt: skip
async def test_no_path_but_a_log_s_own_is_read_or_written(files: TileFiles, folder: Path, path: str) -> None:
    folder.mkdir()
    (folder.parent / "secret").write_bytes(b"secret")
    with pytest.raises(InvalidInput):
        await files.read(path)
    with pytest.raises(InvalidInput):
        files.write_once(path, b"x")


async def test_what_is_not_there_is_not_found(files: TileFiles) -> None:
    files.write_once("tile/0/000", b"a file, not a folder")
    for path in ("checkpoint", "tile/0/001", "tile/0/000.p/3"):
        with pytest.raises(NotFound):
            await files.read(path)
    assert files.published() is None


def test_the_checkpoint_alone_is_replaced_and_never_by_a_smaller_one(files: TileFiles) -> None:
    files.publish(note(3))
    files.publish(note(5))
    with pytest.raises(PublishedGoesBack):
        files.publish(note(4))
    published = files.published()
    assert published is not None
    assert published.size == 5
    with pytest.raises(InvalidInput):
        files.write_once("checkpoint", note(6))


def test_a_checkpoint_that_cannot_be_read_is_damage(files: TileFiles, folder: Path) -> None:
    folder.mkdir()
    (folder / "checkpoint").write_bytes(b"not one")
    with pytest.raises(PublishedFileDamaged):
        files.published()


def test_partial_files_go_only_once_the_full_one_is_there_and_covered(files: TileFiles, folder: Path) -> None:
    for path in ("tile/0/000.p/3", "tile/0/000.p/9", "tile/0/001.p/4"):
        files.write_once(path, path.encode())
    files.drop_partials(0, 0)
    assert files.read_now("tile/0/000.p/3")
    files.write_once("tile/0/000", b"full")
    (folder / "somebody's.p").mkdir()
    files.sweep(TreeSize(255))
    assert files.read_now("tile/0/000.p/9")
    files.sweep(TreeSize(256))
    for path in ("tile/0/000.p/3", "tile/0/000.p/9"):
        with pytest.raises(NotFound):
            files.read_now(path)
    assert files.read_now("tile/0/001.p/4")
    files.write_once("tile/0/001", b"full")
    files.drop_partials(0, 1)
    with pytest.raises(NotFound):
        files.read_now("tile/0/001.p/4")
    assert (folder / "somebody's.p").is_dir()
