"""Writing a log's tiles and entry bundles from one size to another, and reading back all that was written."""

import asyncio
from typing import Protocol

from services.ledger.adapters.tile_files import TileFiles
from shared.errors import IntegrityFailure
from shared.identifiers import TreeSize
from shared.ledger.messages import StoredEntry
from shared.transparency.merkle import leaf_hash, tree_root
from shared.transparency.right_edge import RightEdge, hashes_in, partial_widths
from shared.transparency.tiles import TILE_WIDTH, bundle_bytes, parse_bundle, tile_bytes, tile_path


class DatabaseContradictsPublished(IntegrityFailure):
    """The database's entries are not those that were signed and published."""

    code = "database-contradicts-published"


class StoredEntries(Protocol):
    """The log's committed entries."""

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        """Return the entries after a position, in order. Raises Unavailable when the database does not answer."""
        ...


class TileWriter:
    """Turns stored entries into files, bundle by bundle, so that memory holds one bundle and the tree's right edge."""

    def __init__(self, files: TileFiles, entries: StoredEntries) -> None:
        self._files = files
        self._entries = entries

    async def grow(self, edge: RightEdge, *, size: TreeSize) -> RightEdge:
        """Write every file that a tree of ``size`` has and the tree of ``edge`` has not; return the new edge.

        All of them are durable when this returns, and the returned hashes come from what was read back: compare the
        edge's root with the signed one. Costs O(new entries); doing it again after a crash writes nothing twice.

        Raises PublishedFileDamaged when other bytes stand at a path, DatabaseContradictsPublished when entries are
        missing or are not those of ``edge``, OSError when the disk refuses.
        """
        height = max(len(edge.levels), len(partial_widths(size)))
        levels = [list(edge.level(number)) for number in range(height + 1)]
        for index in range(edge.size // TILE_WIDTH, -(-size // TILE_WIDTH)):
            leaves = await self._leaves(index, size=size)
            await asyncio.to_thread(self._add_bundle, levels, index, leaves)
        await asyncio.to_thread(self._write_partials, levels, size)
        return RightEdge(size, tuple(tuple(levels[number]) for number in range(len(partial_widths(size)))))

    async def _leaves(self, index: int, *, size: int) -> list[bytes]:
        first = index * TILE_WIDTH
        wanted = range(first, min(first + TILE_WIDTH, size))
        stored = await self._entries.entries(after=first - 1, limit=len(wanted), registry_only=False)
        if [entry.position for entry in stored] != list(wanted):
            raise DatabaseContradictsPublished(f"the database lacks entries from {first} to {wanted[-1]} of the log")
        return [entry.leaf for entry in stored]

    def _add_bundle(self, levels: list[list[bytes]], index: int, leaves: list[bytes]) -> None:
        bundle = self._put(tile_path(None, index, width=len(leaves)), bundle_bytes(leaves))
        hashes = [leaf_hash(entry) for entry in parse_bundle(bundle)]
        # What stood in the partial bundle when it was last published must still lead it.
        if hashes[: len(levels[0])] != levels[0]:
            raise DatabaseContradictsPublished(
                f"the database's entries from {index * TILE_WIDTH} on are not those that were published",
                remedy="The history was changed. Keep the database and the tiles, and call the auditor.",
            )
        level, levels[0] = 0, hashes
        while len(levels[level]) == TILE_WIDTH:
            full = hashes_in(self._put(tile_path(level, index), tile_bytes(levels[level])))
            levels[level] = []
            levels[level + 1].append(tree_root(full))
            level, index = level + 1, index // TILE_WIDTH

    def _write_partials(self, levels: list[list[bytes]], size: int) -> None:
        for level, width in enumerate(partial_widths(size)):
            if width:
                path = tile_path(level, size // TILE_WIDTH ** (level + 1), width=width)
                levels[level] = list(hashes_in(self._put(path, tile_bytes(levels[level]))))

    def _put(self, path: str, data: bytes) -> bytes:
        self._files.write_once(path, data)
        return self._files.read_now(path)
