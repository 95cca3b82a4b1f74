"""Logs made of synthetic leaves, as tiles in memory: for tests and measurements of what reads tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.ports import Head
from shared.errors import NotFound
from shared.identifiers import Position, TreeSize
from shared.ledger.messages import StoredEntry
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import EMPTY, grow, leaf_hash, tree_root
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import TILE_WIDTH, parse_tile_path, tile_bytes

ORIGIN = "log.example/a"
LOG = NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))


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


@dataclass
class FakeEntries:
    """The committed entries of a ledger, invented ones; ``asked`` says how many rows were given out in all."""

    leaves: list[bytes]
    asked: int = 0

    @classmethod
    def of(cls, count: int) -> "FakeEntries":
        """Return that many entries, no two alike."""
        return cls([b"entry %d" % number for number in range(count)])

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        page = self.leaves[after + 1 : after + 1 + limit]
        self.asked += len(page)
        return tuple(StoredEntry(Position(after + 1 + ordinal), leaf) for ordinal, leaf in enumerate(page))

    def head(self, size: int) -> Head:
        """Return the signed head of the first entries."""
        growth = grow(EMPTY, [leaf_hash(leaf) for leaf in self.leaves[:size]])
        checkpoint = Checkpoint(ORIGIN, TreeSize(size), growth.root)
        return Head(TreeSize(size), growth.frontier, sign_checkpoint(checkpoint, [LOG]))
