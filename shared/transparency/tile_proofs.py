"""Inclusion and consistency proofs for any sizes from a log's tiles, each verified before it is returned."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.errors import InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import (
    HASH_BYTES,
    ProofInvalid,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from shared.transparency.tile_source import TileSource
from shared.transparency.tiles import TILE_WIDTH, tile_path

TILE_HEIGHT = 8

Span = tuple[int, int]
"""Leaves from the first up to, and without, the second."""

Tile = tuple[int, int]
"""Level and index."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The leaf's hash that the log holds at a position, and its path to the checkpoint's root."""

    leaf_hash: bytes
    path: tuple[bytes, ...]


class TileProver:
    """Makes proofs about the tree of one checkpoint, whose signature the caller has verified.

    A proof costs at most two tiles for each level, whatever the size; tiles once read are kept, so that many proofs
    share them. What the source gives is not trusted: a proof that does not lead to the checkpoint's root raises
    ProofInvalid. Raises what the source raises, NotFound for a tile that is missing.
    """

    def __init__(self, source: TileSource, checkpoint: Checkpoint) -> None:
        self._source = source
        self._checkpoint = checkpoint
        self._tiles: dict[Tile, Sequence[bytes]] = {}

    async def inclusion(self, position: int) -> InclusionProof:
        """Return the proof that the leaf at a position is in the tree. Raises InvalidInput for one outside it."""
        size = self._checkpoint.size
        if not 0 <= position < size:
            raise InvalidInput("there is no leaf at that position")
        leaf, *path = await self._roots([(position, position + 1), *inclusion_spans(position, size=size)])
        verify_inclusion(leaf, position=position, size=size, path=path, root=self._checkpoint.root)
        return InclusionProof(leaf, tuple(path))

    async def consistency(self, old_size: TreeSize) -> tuple[bytes, ...]:
        """Return the proof that the tree grew from an older one. It is a ConsistencyProver.

        Raises InvalidInput for an old size below 1 or above the checkpoint's.
        """
        size = self._checkpoint.size
        if not 0 < old_size <= size:
            raise InvalidInput("an old size from 1 to the tree's size is expected")
        old_root, *path = await self._roots([(0, old_size), *consistency_spans(old_size, new_size=size)])
        verify_consistency(
            old_size=old_size, new_size=size, old_root=old_root, new_root=self._checkpoint.root, path=path
        )
        return tuple(path)

    async def root_at(self, old_size: TreeSize) -> bytes:
        """Return the root that the tree had at an older size, verified by a consistency proof."""
        await self.consistency(old_size)
        return (await self._roots([(0, old_size)]))[0]

    async def _roots(self, spans: Sequence[Span]) -> list[bytes]:
        pieces = [complete_spans(*span) for span in spans]
        needed = {tile_of(piece) for made in pieces for piece in made} - self._tiles.keys()
        read = await asyncio.gather(*(self._read(level, index) for level, index in needed))
        self._tiles.update(zip(needed, read, strict=True))
        return [span_root(made, self._tiles) for made in pieces]

    async def _read(self, level: int, index: int) -> Sequence[bytes]:
        width = min(TILE_WIDTH, (self._checkpoint.size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
        try:
            data = await self._source.read(tile_path(level, index, width=width))
        except NotFound:
            # Partial tiles may be gone once the full one is there (tlog-tiles v0.1.0, Partial Tiles).
            if width == TILE_WIDTH:
                raise
            data = await self._source.read(tile_path(level, index))
        if len(data) < width * HASH_BYTES:
            raise ProofInvalid(f"the tile {tile_path(level, index, width=width)} is too short")
        return [data[start : start + HASH_BYTES] for start in range(0, width * HASH_BYTES, HASH_BYTES)]


def inclusion_spans(position: int, *, size: int) -> list[Span]:
    """Return whose roots make a leaf's inclusion path, its sibling first (RFC 6962 section 2.1.1)."""
    low, high = 0, size
    spans: list[Span] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if position < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency_spans(old_size: int, *, new_size: int) -> list[Span]:
    """Return whose roots make the consistency proof between two sizes (RFC 6962 section 2.1.2)."""
    low, high = 0, new_size
    spans: list[Span] = []
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    # The old tree's own root is left out where it is a node of the new one: the verifier has it.
    if low:
        spans.append((low, high))
    return spans[::-1]


def complete_spans(low: int, high: int) -> list[Span]:
    """Return the complete subtrees that make up a span of the tree, largest first."""
    spans: list[Span] = []
    while low < high:
        width = 1 << (high - low).bit_length() - 1
        spans.append((low, low + width))
        low += width
    return spans


def tile_of(span: Span) -> Tile:
    """Return the tile that holds, or has right below it, the root of a complete subtree."""
    level = _height(span) // TILE_HEIGHT
    return level, span[0] >> TILE_HEIGHT * (level + 1)


def span_root(pieces: Sequence[Span], tiles: Mapping[Tile, Sequence[bytes]]) -> bytes:
    """Return the root of the subtree that complete subtrees, largest first, make up."""
    roots = [_complete_root(piece, tiles) for piece in pieces]
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def _complete_root(span: Span, tiles: Mapping[Tile, Sequence[bytes]]) -> bytes:
    level, index = tile_of(span)
    first = (span[0] >> TILE_HEIGHT * level) - index * TILE_WIDTH
    count = 1 << _height(span) % TILE_HEIGHT
    return tree_root(tiles[level, index][first : first + count])


def _height(span: Span) -> int:
    return (span[1] - span[0]).bit_length() - 1


def _split(count: int) -> int:
    """Return the largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1
