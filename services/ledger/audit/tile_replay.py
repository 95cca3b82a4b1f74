"""Verified replay of a log's static files, as fast as they hash: every bundle, every tile, the signed checkpoint.

What an entry says is not read here; ``tile_log.py`` does that. This is the work that Tessera's ``fsck`` does too.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from services.ledger.audit.tile_levels import TileFault, TileLevels, check_leaf_tile, check_tile, fold, hash_bundle
from shared.errors import NotFound
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.tiles import TILE_WIDTH, tile_path

RUN_TILES = 64
"""Bundles that one process takes at a time: 16,384 entries."""


def replay_folder(folder: Path, *, verifiers: Sequence[NoteVerifier], processes: int = 2) -> Checkpoint:
    """Return the checkpoint of a log kept as static files, once everything below it is proven to be what was signed.

    Reads each file once, in ``processes`` processes; memory does not grow with the log. Raises TileFault that names
    the first bad position, NotFound for a file that is missing, and what ``open_checkpoint`` raises.
    """
    checkpoint = open_checkpoint(_read(folder, "checkpoint"), verifiers)
    full, rest = divmod(checkpoint.size, TILE_WIDTH)
    runs = [(first, min(first + RUN_TILES, full)) for first in range(0, full, RUN_TILES)]
    levels = TileLevels()
    for roots in _hash_runs(folder, runs, processes=processes):
        for root in roots:
            for level, index, data in levels.add(root, level=0):
                _check_file(folder, level + 1, index, data)
    leaves: list[bytes] = []
    if rest:
        leaves = _hash_one(folder, full, width=rest)
    for level, index, data in levels.edge():
        _check_file(folder, level + 1, index, data)
    above = [fold(leaves)] if leaves else []
    if levels.root(above) != checkpoint.root:
        raise TileFault(
            "the entries are not those that were signed", position=0, last_position=max(0, checkpoint.size - 1)
        )
    return checkpoint


def hash_run(folder: Path, run: tuple[int, int]) -> list[bytes]:
    """Return the roots of a run of full bundles, each held against its leaf tile. Raises TileFault or NotFound."""
    return [fold(_hash_one(folder, index, width=TILE_WIDTH)) for index in range(*run)]


def _hash_runs(folder: Path, runs: Sequence[tuple[int, int]], *, processes: int) -> Iterator[list[bytes]]:
    if processes < 2 or len(runs) < 2:
        yield from map(hash_run, repeat(folder), runs)
        return
    # Forked from a process that may hold threads a child could inherit locks that nobody will ever release.
    with ProcessPoolExecutor(processes, mp_context=get_context("forkserver")) as pool:
        yield from pool.map(hash_run, repeat(folder), runs)


def _hash_one(folder: Path, index: int, *, width: int) -> list[bytes]:
    hashes = hash_bundle(_read(folder, tile_path(None, index, width=width)), index=index, width=width)
    check_leaf_tile(hashes, _read(folder, tile_path(0, index, width=width)), index=index)
    return hashes


def _check_file(folder: Path, level: int, index: int, expected: bytes) -> None:
    found = _read(folder, tile_path(level, index, width=len(expected) // 32))
    check_tile(level, index, expected=expected, found=found)


def _read(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise NotFound(f"the log's files lack {path}") from error
