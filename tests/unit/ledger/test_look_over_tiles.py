"""Every published file below the edge is held against the published root, and the first that is not it is named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.ledger.adapters.tile_files import PublishedFileDamaged
from services.ledger.look_over_tiles import look_over
from shared.errors import NotFound
from tests.machinery.publishing import Publishing

SIZE = 65_900
"""Three levels: 257 full tiles of leaves below a full one and a partial one, below a partial one."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published") / "tiles"


@pytest.fixture
async def publishing(published: Path, tmp_path: Path) -> Publishing:
    """A copy of a published folder."""
    if not published.exists():
        await Publishing(published).to(SIZE)
    shutil.copytree(published, tmp_path / "tiles")
    return Publishing(tmp_path / "tiles")


async def look(publishing: Publishing) -> None:
    await look_over(publishing.files, await publishing.to(), pause_s=0)


async def test_whole_files_pass(publishing: Publishing) -> None:
    await look(publishing)


def _flipped(data: bytes) -> bytes:
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


@pytest.mark.parametrize("damage", [_flipped, lambda data: data[:-1], lambda data: data[:32], lambda data: b""])
@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/255", "tile/0/256", "tile/1/000", "tile/entries/256"])
async def test_a_torn_or_flipped_file_is_named(
    publishing: Publishing, path: str, damage: Callable[[bytes], bytes]
) -> None:
    file = publishing.folder / path
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(PublishedFileDamaged, match=f"file {path} does not"):
        await look(publishing)


@pytest.mark.parametrize("path", ["tile/0/007", "tile/1/000", "tile/entries/007"])
async def test_a_file_that_is_gone_is_not_found(publishing: Publishing, path: str) -> None:
    (publishing.folder / path).unlink()
    with pytest.raises(NotFound):
        await look(publishing)


async def test_a_tile_and_its_bundle_changed_together_do_not_lead_to_the_root(publishing: Publishing) -> None:
    for kind in ("0", "entries"):
        shutil.copy(publishing.folder / f"tile/{kind}/003", publishing.folder / f"tile/{kind}/004")
    with pytest.raises(PublishedFileDamaged, match="file tile/0/004 does not"):
        await look(publishing)
