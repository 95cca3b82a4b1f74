"""The right edge of a tree in tiles: for each level, the hashes that stand in no full tile yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.merkle import HASH_BYTES, Frontier, tree_root
from shared.transparency.tiles import TILE_WIDTH

TILE_HEIGHT = 8


def partial_widths(size: int) -> list[int]:
    """Return the width of the partial tile at each level of a tree, 0 where there is none."""
    widths = []
    while size:
        widths.append(size % TILE_WIDTH)
        size //= TILE_WIDTH
    return widths


@dataclass(frozen=True, slots=True)
class RightEdge:
    """The hashes right of all full tiles, lowest level first. With the full tiles it is the whole tree.

    ``levels`` has one hash list for each level of the tree, as wide as ``partial_widths`` says.
    """

    size: TreeSize
    levels: tuple[tuple[bytes, ...], ...]

    def root(self) -> bytes:
        """Return the tree's root, from these hashes alone."""
        nodes = [node for level in reversed(self.levels) for node in _complete_roots(level)]
        return Frontier(self.size, tuple(nodes)).root()

    def level(self, number: int) -> tuple[bytes, ...]:
        """Return the hashes of a level, none above the top."""
        return self.levels[number] if number < len(self.levels) else ()


NO_EDGE = RightEdge(TreeSize(0), ())
"""The right edge of the tree of no leaves."""


def edge_of_tiles(size: TreeSize, tiles: Sequence[bytes]) -> RightEdge:
    """Return the edge that partial tiles' bytes hold, lowest level first. Raises InvalidInput for other widths."""
    widths = partial_widths(size)
    if [len(tile) for tile in tiles] != [width * HASH_BYTES for width in widths]:
        raise InvalidInput("the partial tiles are not as wide as a tree of that size has them")
    return RightEdge(size, tuple(hashes_in(tile) for tile in tiles))


def hashes_in(tile: bytes) -> tuple[bytes, ...]:
    """Return the hashes in a tile's bytes."""
    return tuple(tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES))


def _complete_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the largest complete subtrees of a row, largest first."""
    roots, at = [], 0
    for bit in reversed(range(TILE_HEIGHT)):
        if len(hashes) & 1 << bit:
            roots.append(tree_root(hashes[at : at + (1 << bit)]))
            at += 1 << bit
    return roots
