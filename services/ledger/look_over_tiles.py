"""Looking over every published file: each tile must hash to what the one above it says, each bundle to its tile."""

import asyncio

from services.ledger.adapters.tile_files import TileFiles, damaged
from shared.errors import InvalidInput
from shared.transparency.merkle import HASH_BYTES, leaf_hash, tree_root
from shared.transparency.right_edge import RightEdge, hashes_in
from shared.transparency.tiles import TILE_WIDTH, parse_bundle, tile_path


async def look_over(files: TileFiles, edge: RightEdge, *, pause_s: float) -> None:
    """Read every full file once, from the published right edge down, pausing after each so that other work goes on.

    ``edge`` must lead to the published root, so that a file that passes is the one that was signed for. Memory holds
    one tile for each level. Raises PublishedFileDamaged, naming the first file that is not what was published, and
    NotFound for one that is gone.
    """
    for level in range(1, len(edge.levels)):
        first = edge.size // TILE_WIDTH ** (level + 1) * TILE_WIDTH
        for ordinal, root in enumerate(edge.levels[level]):
            await _look_below(files, level - 1, first + ordinal, root=root, pause_s=pause_s)


async def _look_below(files: TileFiles, level: int, index: int, *, root: bytes, pause_s: float) -> None:
    hashes = await asyncio.to_thread(_checked_tile, files, level, index, root)
    await asyncio.sleep(pause_s)
    if level:
        for ordinal, below in enumerate(hashes):
            await _look_below(files, level - 1, index * TILE_WIDTH + ordinal, root=below, pause_s=pause_s)
    else:
        await asyncio.to_thread(check_bundle, files, index, hashes)


def _checked_tile(files: TileFiles, level: int, index: int, root: bytes) -> tuple[bytes, ...]:
    path = tile_path(level, index)
    data = files.read_now(path)
    hashes = hashes_in(data)
    if len(data) != TILE_WIDTH * HASH_BYTES or tree_root(hashes) != root:
        raise damaged(path)
    return hashes


def check_bundle(files: TileFiles, index: int, hashes: tuple[bytes, ...]) -> None:
    """Return when a bundle holds the entries whose leaf hashes these are. Raises PublishedFileDamaged, NotFound."""
    path = tile_path(None, index, width=len(hashes))
    try:
        entries = parse_bundle(files.read_now(path))
    except InvalidInput as error:
        raise damaged(path) from error
    if tuple(leaf_hash(entry) for entry in entries) != hashes:
        raise damaged(path)
