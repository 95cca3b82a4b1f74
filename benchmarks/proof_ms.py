"""Milliseconds for an inclusion proof from a large log's tiles on disk, checked against the root before it counts."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from benchmarks.measure import Measured
from services.ledger.adapters.tile_files import TileFiles
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import tree_root
from shared.transparency.right_edge import RightEdge, partial_widths
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tiles import TILE_WIDTH, tile_bytes, tile_path

GOAL_MS = 5.0


async def measure(*, size: int, proofs: int) -> Measured:
    """Return how long proofs at random positions take, each by a prover that has read nothing yet.

    The log's leaves are hashes of numbers: a proof reads tiles, and no entry. Here a smaller ratio is better.
    """
    folder = Path(tempfile.mkdtemp(prefix="exchange-bench-tiles-"))
    try:
        checkpoint = _write_tiles(folder, size)
        took_ms = []
        for _ in range(proofs):
            started = time.perf_counter()
            await TileProver(TileFiles(folder), checkpoint).inclusion(secrets.randbelow(size))
            took_ms.append((time.perf_counter() - started) * 1000)
        return Measured("proof_ms", f"ms for a proof from {size} entries", "the goal", took_ms, [GOAL_MS] * proofs)
    finally:
        shutil.rmtree(folder)


def _write_tiles(folder: Path, size: int) -> Checkpoint:
    """Write every tile of a tree of that many leaves, and return its checkpoint."""
    levels = []
    hashes: Sequence[bytes] = [sha256(b"\x00%d" % number).digest() for number in range(size)]
    for level, width in enumerate(partial_widths(size)):
        full = [hashes[start : start + TILE_WIDTH] for start in _starts(len(hashes))]
        for index, tile in enumerate(full):
            _write(folder, tile_path(level, index), tile)
        partial = hashes[len(hashes) - width :]
        if width:
            _write(folder, tile_path(level, len(full), width=width), partial)
        levels.append(tuple(partial))
        hashes = [tree_root(tile) for tile in full]
    return Checkpoint("bench.example/log", TreeSize(size), RightEdge(TreeSize(size), tuple(levels)).root())


def _starts(count: int) -> Iterator[int]:
    return iter(range(0, count - TILE_WIDTH + 1, TILE_WIDTH))


def _write(folder: Path, path: str, hashes: Sequence[bytes]) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(tile_bytes(hashes))
