"""A log's static files are verified whole: every entry, tile and signature, wherever they are read from."""

from pathlib import Path

import aiohttp.web
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.loopback_port import free_port
from services.ledger.adapters.http_tiles import HttpTiles
from services.ledger.audit.findings import FindingKind
from services.ledger.audit.tile_levels import TileFault
from services.ledger.audit.tile_log import verify_tiles
from services.ledger.audit.tile_replay import replay_folder
from shared.entries import Entry, encode_entry
from shared.errors import InvalidInput, NotFound, Unavailable
from shared.identifiers import EntryId, Position
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.signed_note import NoteSigner, NoteUnsigned
from shared.transparency.tiles import bundle_bytes, parse_bundle
from shared.vocabulary import EntryType
from tests.machinery.approvals import FIRST, SECOND, StewardLog
from tests.machinery.static_log import SIGNER, MemoryTiles, checkpoint_of, static_log, write_log

VERIFIERS = [SIGNER.verifier()]
SIZE = 600


def leaf(position: int) -> bytes:
    """Return an entry that says nothing but where it stands."""
    return encode_entry(
        Entry(Position(position), EntryId(f"{position:032x}"), EntryType.CONTENT_OPENED, "2026-11-24T10:00:00.000000Z")
    )


LEAVES = [leaf(position) for position in range(SIZE)]
FILES = static_log(LEAVES)


@pytest.mark.parametrize("size", [1, 255, 256, 257, SIZE])
async def test_a_whole_log_is_intact_at_any_size(size: int) -> None:
    older = [checkpoint_of(LEAVES[:kept]) for kept in {1, size // 2 or 1, size}]
    report = await verify_tiles(MemoryTiles(static_log(LEAVES[:size])), verifiers=VERIFIERS, older_notes=older)
    assert (report.intact, report.size) == (True, size), report.findings


async def test_an_erasure_that_was_withdrawn_or_never_approved_is_found_without_the_database() -> None:
    approved = StewardLog().propose().approve(FIRST).approve(SECOND).erase()
    withdrawn = StewardLog().propose().approve(FIRST).approve(SECOND).withdraw().erase()
    for log, expected in ((approved, []), (withdrawn, [(FindingKind.ERASURE_NOT_APPROVED, 4)])):
        files = static_log([encode_entry(entry) for entry in log.entries])
        report = await verify_tiles(MemoryTiles(files), verifiers=VERIFIERS)
        assert [(each.kind, each.first_position) for each in report.findings] == expected


@pytest.mark.parametrize("processes", [1, 2])
def test_a_replay_of_files_reaches_every_level(tmp_path: Path, processes: int) -> None:
    """65,536 entries fill a tile of the second level, which then stands in one of the third."""
    leaves = [b"%d" % each for each in range(65_536 + 300)]
    files = static_log(leaves)
    assert "tile/2/000.p/1" in files
    write_log(files, tmp_path)
    found = replay_folder(tmp_path, verifiers=VERIFIERS, processes=processes)
    assert found == open_checkpoint(files["checkpoint"], VERIFIERS)
    (tmp_path / "tile/1/000").write_bytes(files["tile/1/000"][:-1] + b"x")
    with pytest.raises(TileFault) as fault:
        replay_folder(tmp_path, verifiers=VERIFIERS, processes=processes)
    assert (fault.value.position, fault.value.last_position) == (0, 65_535)


def changed(path: str) -> dict[str, bytes]:
    """Return the files with one byte of one of them changed."""
    data = bytearray(FILES[path])
    data[-1] ^= 1
    return {**FILES, path: bytes(data)}


def edited(position: int) -> dict[str, bytes]:
    """Return the files with one entry said to be of another type."""
    path = f"tile/entries/00{position // 256}" + (".p/88" if position // 256 == 2 else "")
    entries = parse_bundle(FILES[path])
    entries[position % 256] = entries[position % 256].replace(b"content.opened", b"share.recorded")
    return {**FILES, path: bundle_bytes(entries)}


@pytest.mark.parametrize(
    ("files", "kind", "first", "last"),
    [
        (edited(300), FindingKind.EDITED_ENTRY, 300, 300),
        (edited(599), FindingKind.EDITED_ENTRY, 599, 599),
        (changed("tile/0/001"), FindingKind.EDITED_ENTRY, 511, 511),
        (changed("tile/1/000.p/2"), FindingKind.BAD_TILE, 0, 511),
        ({**FILES, "tile/entries/001": FILES["tile/entries/000"]}, FindingKind.MISPLACED_ENTRY, 256, 256),
        ({**FILES, "tile/entries/001": FILES["tile/entries/001"][:-1]}, FindingKind.TORN_TILE, 256, 511),
        ({**FILES, "tile/entries/001": bundle_bytes(LEAVES[256:511])}, FindingKind.BAD_TILE, 256, 511),
        ({path: FILES[path] for path in FILES if path != "tile/0/001"}, FindingKind.MISSING_TILE, 256, 599),
        ({path: FILES[path] for path in FILES if path != "tile/entries/001"}, FindingKind.MISSING_TILE, 256, 599),
        ({**FILES, "checkpoint": FILES["checkpoint"].replace(b"\n600\n", b"\n599\n")}, FindingKind.BAD_SIGNATURE, 0, 0),
        (
            {
                **FILES,
                "checkpoint": checkpoint_of(LEAVES, signer=NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())),
            },
            FindingKind.BAD_SIGNATURE,
            0,
            599,
        ),
        ({**static_log([*LEAVES[:-1], b"{}"])}, FindingKind.UNREADABLE_ENTRY, 599, 599),
        ({**static_log([*LEAVES[:-1], leaf(7)])}, FindingKind.MISPLACED_ENTRY, 599, 599),
    ],
)
async def test_what_was_changed_is_found_and_named(
    files: dict[str, bytes], kind: FindingKind, first: int, last: int
) -> None:
    report = await verify_tiles(MemoryTiles(files), verifiers=VERIFIERS)
    assert [(each.kind, each.first_position, each.last_position) for each in report.findings] == [(kind, first, last)]


async def test_a_history_signed_anew_is_contradicted_by_an_older_checkpoint() -> None:
    rewritten = static_log([leaf(1), *LEAVES[1:]])
    for kept in (300, 512, SIZE):
        older = checkpoint_of(LEAVES[:kept])
        report = await verify_tiles(MemoryTiles(rewritten), verifiers=VERIFIERS, older_notes=[older])
        assert FindingKind.OLDER_CHECKPOINT_CONTRADICTED in {each.kind for each in report.findings}
    report = await verify_tiles(MemoryTiles(static_log(LEAVES[:100])), verifiers=VERIFIERS, older_notes=[older])
    assert [each.kind for each in report.findings] == [FindingKind.TRUNCATED]


async def test_a_partial_file_that_the_log_has_dropped_for_its_full_one_is_read_from_there() -> None:
    """The checkpoint was read, and before its files were, the log grew."""
    files = static_log(LEAVES[:300]) | {path: data for path, data in FILES.items() if path != "checkpoint"}
    for path in ("tile/0/001.p/44", "tile/entries/001.p/44"):
        del files[path]
    report = await verify_tiles(MemoryTiles(files), verifiers=VERIFIERS)
    assert report.intact, report.findings
    files["tile/entries/001"] = bytes(9)
    report = await verify_tiles(MemoryTiles(files), verifiers=VERIFIERS)
    assert [each.kind for each in report.findings] == [FindingKind.TORN_TILE]


def test_a_replay_of_files_names_what_is_wrong(tmp_path: Path) -> None:
    for number, (files, error) in enumerate(
        [
            (edited(300), TileFault),
            (changed("tile/1/000.p/2"), TileFault),
            ({path: FILES[path] for path in FILES if path != "tile/0/001"}, NotFound),
            ({**FILES, "checkpoint": checkpoint_of([*LEAVES[:-1], leaf(7)])}, TileFault),
        ]
    ):
        folder = tmp_path / str(number)
        write_log(files, folder)
        with pytest.raises(error):
            replay_folder(folder, verifiers=VERIFIERS, processes=1)
    with pytest.raises(NoteUnsigned):
        replay_folder(tmp_path / "0", verifiers=[NoteSigner("else.example", Ed25519PrivateKey.generate()).verifier()])


async def test_files_are_read_from_any_web_server(tmp_path: Path) -> None:
    write_log(FILES, tmp_path)
    app = aiohttp.web.Application()
    app.router.add_static("/log", tmp_path)
    runner, port = aiohttp.web.AppRunner(app), free_port()
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with HttpTiles(f"http://127.0.0.1:{port}/log/") as tiles:
            report = await verify_tiles(tiles, verifiers=VERIFIERS)
            with pytest.raises(NotFound):
                await tiles.read("tile/0/009")
            with pytest.raises(InvalidInput):
                await tiles.read("tile/../checkpoint")
    finally:
        await runner.cleanup()
    assert report.intact, report.findings
    async with HttpTiles(f"http://127.0.0.1:{port}/log") as tiles:
        with pytest.raises(Unavailable):
            await verify_tiles(tiles, verifiers=VERIFIERS)
