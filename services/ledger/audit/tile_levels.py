"""Growing a log's tiles from its entry bundles, as fast as Python hashes; pure, and the same for every source.

Nothing is kept but the right edge: at most 255 hashes a level, so memory does not grow with the log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from shared.errors import IntegrityFailure
from shared.transparency.merkle import EMPTY_ROOT, HASH_BYTES
from shared.transparency.tiles import TILE_WIDTH


class TileFault(IntegrityFailure):
    """A tile or bundle is not what the entries make it; ``position`` is the first entry concerned."""

    code = "tile-fault"

    def __init__(self, detail: str, *, position: int, last_position: int | None = None) -> None:
        super().__init__(detail)
        self.position = position
        self.last_position = position if last_position is None else last_position

    def __reduce__(self) -> tuple[object, ...]:
        """Let the fault travel from a process that found it."""
        return _fault, (type(self), self.detail, self.position, self.last_position)


class TileTorn(TileFault):
    """A file ends before it should, as one does that was never written to its end."""

    code = "tile-torn"


def _fault(kind: type[TileFault], detail: str, position: int, last_position: int) -> TileFault:
    return kind(detail, position=position, last_position=last_position)


@dataclass(slots=True)
class TileLevels:
    """The tiles above the entries. ``add`` tells which became full; ``edge`` which are partial at the end."""

    pending: list[list[bytes]] = field(default_factory=list)
    full: list[int] = field(default_factory=list)

    def add(self, node: bytes, *, level: int) -> Iterator[tuple[int, int, bytes]]:
        """Add a hash to a level's tiles; yield level, index and bytes of each tile that became full by it."""
        while True:
            if level == len(self.pending):
                self.pending.append([])
                self.full.append(0)
            tile = self.pending[level]
            tile.append(node)
            if len(tile) < TILE_WIDTH:
                return
            yield level, self.full[level], b"".join(tile)
            node = fold(tile)
            self.pending[level] = []
            self.full[level] += 1
            level += 1

    def edge(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield level, index and bytes of every tile that is not full."""
        for level, tile in enumerate(self.pending):
            if tile:
                yield level, self.full[level], b"".join(tile)

    def root(self, leaves: Sequence[bytes] = ()) -> bytes:
        """Return the tree's root, with more leaf hashes (fewer than a tile holds) after those that were added."""
        above: list[bytes] = []
        for level, tile in enumerate(self.pending or [[]]):
            hashes = [*tile, *(leaves if level == 0 else ()), *above]
            above = [fold(hashes)] if hashes else []
        return above[0] if above else EMPTY_ROOT


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of one height (the last may be lower: an odd one is promoted as it is)."""
    level = hashes
    while len(level) > 1:
        pairs = [sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        if len(level) & 1:
            pairs.append(level[-1])
        level = pairs
    return level[0]


def hash_bundle(bundle: bytes, *, index: int, width: int) -> list[bytes]:
    """Return the leaf hashes of an entry bundle. Raises TileFault unless it is exactly ``width`` whole entries.

    TileTorn, which is one, when it ends within an entry.
    """
    hashes: list[bytes] = []
    at, end, size = 0, 0, len(bundle)
    while at < size:
        end = at + 2 + int.from_bytes(bundle[at : at + 2])
        hashes.append(sha256(b"\x00" + bundle[at + 2 : end]).digest())
        at = end
    if end != size or len(hashes) != width:
        first = index * TILE_WIDTH
        raise (TileTorn if end > size else TileFault)(
            f"the bundle of the entries from {first} on is not {width} whole entries",
            position=first,
            last_position=first + width - 1,
        )
    return hashes


def check_leaf_tile(hashes: Sequence[bytes], tile: bytes, *, index: int) -> None:
    """Raise TileFault, naming the first entry concerned, unless a leaf tile holds exactly its entries' hashes.

    TileTorn, which is one, when it holds the first of them only.
    """
    expected = b"".join(hashes)
    if expected == tile:
        return
    if expected.startswith(tile):
        first = index * TILE_WIDTH
        raise TileTorn(
            f"the tile of the entries from {first} on ends after {len(tile)} of its {len(expected)} bytes",
            position=first,
            last_position=first + len(hashes) - 1,
        )
    kept = [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]
    differs = next((at for at, pair in enumerate(zip(hashes, kept, strict=False)) if pair[0] != pair[1]), len(kept))
    position = index * TILE_WIDTH + min(differs, len(hashes) - 1)
    raise TileFault(f"the bytes of entry {position} are not those that its tile was made from", position=position)


def check_tile(level: int, index: int, *, expected: bytes, found: bytes) -> None:
    """Raise TileFault, naming the entries concerned, unless a tile above the leaves is what they make it.

    TileTorn, which is one, when it is only the beginning of that.
    """
    if expected != found:
        each = TILE_WIDTH**level
        first = index * TILE_WIDTH * each
        torn = expected.startswith(found)
        raise (TileTorn if torn else TileFault)(
            f"tile {index} of level {level} "
            + (f"ends after {len(found)} of {len(expected)} bytes" if torn else "is not what its entries make it"),
            position=first,
            last_position=first + (len(expected) // HASH_BYTES) * each - 1,
        )
