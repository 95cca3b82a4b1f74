"""Logs made of synthetic leaves, as tiles in memory: for tests and measurements of what reads tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import leaf_hash, tree_root
from shared.transparency.tiles import TILE_WIDTH, parse_tile_path, tile_bytes

ORIGIN = "log.example/a"


@dataclass
class FakeTiles:
    """Every hash tile of a log that only grew, of any width it ever had; counts what is read."""

    levels: Sequence[Sequence[bytes]]
    reads: int = 0

    @classmethod
    def of(cls, leaf_hashes: Sequence[bytes]) -> "FakeTiles":
        """Return the tiles of a log with these leaf hashes."""
        levels = [leaf_hashes]
        while len(levels[-1]) >= TILE_WIDTH:
            below = levels[-1]
            full = len(below) // TILE_WIDTH
            levels.append([tree_root(below[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(full)])
        return cls(levels)

    async def read(self, path: str) -> bytes:
        self.reads += 1
        level, index, width = parse_tile_path(path)
        if level is None or level >= len(self.levels) or index * TILE_WIDTH + width > len(self.levels[level]):
            raise NotFound("no such tile")
        return tile_bytes(self.levels[level][index * TILE_WIDTH : index * TILE_WIDTH + width])


def synthetic_leaves(count: int) -> list[bytes]:
    """Return the leaf hashes of that many invented entries, no two alike."""
    return [leaf_hash(b"entry %d" % number) for number in range(count)]


def checkpoint_of(leaf_hashes: Sequence[bytes]) -> Checkpoint:
    """Return the unsigned checkpoint of a log."""
    return Checkpoint(ORIGIN, TreeSize(len(leaf_hashes)), tree_root(leaf_hashes))
