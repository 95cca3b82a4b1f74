"""Reading a log's static files in order from wherever they lie, however far away, while it grows."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator

from shared.errors import NotFound
from shared.transparency.tile_source import TileSource
from shared.transparency.tiles import TILE_WIDTH, parse_tile_path, start_of_tile, tile_path

READ_AHEAD = 16
"""Files asked for before they are needed, so that a distant source does not set the pace."""


def leaf_paths(size: int) -> Iterator[str]:
    """Yield, for each 256 of the first ``size`` entries, the path of their bundle and then that of their hashes."""
    for index in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        yield tile_path(None, index, width=width)
        yield tile_path(0, index, width=width)


async def read_ahead(source: TileSource, paths: Iterator[str]) -> AsyncGenerator[bytes, None]:
    """Yield what stands at each path, in order, asking for some before they are needed. Raises what a read raises."""
    asked: deque[asyncio.Task[bytes]] = deque()
    try:
        while True:
            while len(asked) < READ_AHEAD and (path := next(paths, None)) is not None:
                asked.append(asyncio.create_task(read_tile(source, path)))
            if not asked:
                return
            yield await asked.popleft()
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def read_tile(source: TileSource, path: str) -> bytes:
    """Return a file's bytes; a partial one's from the full one when that has taken its place meanwhile.

    (C2SP tlog-tiles v0.1.0, Partial Tiles.) Raises NotFound when neither is there.
    """
    try:
        return await source.read(path)
    except NotFound as missing:
        level, index, width = parse_tile_path(path)
        try:
            full = await source.read(tile_path(level, index))
        except NotFound:
            raise missing from None
    return start_of_tile(full, level=level, width=width)
