"""What a stranger finds in a folder of published files: whether it verifies, contradicts itself, or holds litter."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from services.ledger.adapters.tile_files import TileFiles
from services.ledger.audit.findings import Report
from services.ledger.audit.tile_log import verify_tiles
from shared.errors import NotFound
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.tiles import TILE_WIDTH, parse_tile_path, tile_path, tiles_of
from tests.machinery.lean_ledger import PATIENCE_S, LeanLedger


async def published_at(ledger: LeanLedger, size: int) -> bytes:
    """Wait until the checkpoint of that size is published, and return its note."""
    files = TileFiles(ledger.tiles)
    for _ in range(int(PATIENCE_S / 0.05)):
        try:
            note = files.read_now("checkpoint")
        except NotFound:
            note = b""
        if note and open_checkpoint(note, [ledger.verifier]).size == size:
            return note
        await asyncio.sleep(0.05)
    raise AssertionError(f"size {size} is not published: {ledger.processes[-1].log[-2000:]}")


async def judged(ledger: LeanLedger, *, older_notes: Sequence[bytes] = ()) -> Report:
    """Return the audit's report on the published files; it found nothing wrong, and no file contradicts another."""
    report = await verify_tiles(TileFiles(ledger.tiles), verifiers=[ledger.verifier], older_notes=older_notes)
    assert report.intact, report.findings
    assert all((ledger.tiles / path).is_file() for path in needed(report.size))
    assert not contradictions(ledger.tiles)
    return report


def needed(size: int) -> list[str]:
    """Return the path of each file that a checkpoint of that size covers, partial ones by their own names."""
    tiles = tiles_of(size)
    bundles = [(None, index, width) for level, index, width in tiles if level == 0]
    return [tile_path(level, index, width=width) for level, index, width in [*tiles, *bundles]]


def contradictions(folder: Path) -> list[str]:
    """Return the tiles and bundles of which a narrower file is not what a wider one begins with."""
    by_tile: dict[tuple[int | None, int], dict[int, bytes]] = defaultdict(dict)
    for path in (folder / "tile").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            level, index, width = parse_tile_path(path.relative_to(folder).as_posix())
            by_tile[level, index][width] = path.read_bytes()
    found = []
    for (level, index), files in by_tile.items():
        widest = files[max(files)]
        if not all(widest.startswith(data) for data in files.values()):
            found.append(f"{level}/{index}")
    return found


async def swept(ledger: LeanLedger, *, size: int) -> None:
    """Wait until nothing is left that a log of that size needs no more."""
    for _ in range(int(PATIENCE_S / 0.05)):
        if not litter(ledger.tiles, size=size):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"left behind: {litter(ledger.tiles, size=size)}")


def litter(folder: Path, *, size: int) -> list[str]:
    """Return what a log of that size needs no more: unfinished files, and partial ones beside their full one."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and path.name.startswith(".unfinished"):
            found.append(name)
        elif path.is_file() and path.parent.suffix == ".p":
            level, index, _ = parse_tile_path(name)
            if (index + 1) * TILE_WIDTH ** ((level or 0) + 1) <= size:
                found.append(name)
    return found
