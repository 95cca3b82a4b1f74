"""A bundle is made from a log's published files alone, and what does not fit together is never made one."""

import io
import zipfile
from pathlib import Path

import pytest

from services.ledger.audit import bundle_verifier
from services.ledger.audit.export import Wanted, entries_about, export_bundle
from services.ledger.audit.exported_log import published_log
from shared.entries import Entry, Subject, encode_entry, parse_entry
from shared.errors import IntegrityFailure, NotFound
from shared.identifiers import ChildRef, EntryId, Position
from shared.transparency.tiles import bundle_bytes, parse_bundle
from shared.vocabulary import EntryType
from tests.machinery.rotated_log import FIRST, SECOND, STRANGER, THIRD, rotated_log
from tests.machinery.static_log import SIGNER, MemoryTiles, static_log

CHILD, NOBODY = ChildRef("c" * 32), ChildRef("0" * 32)
ABOUT = (3, 270)
SIZE = 300


def leaf(position: int) -> bytes:
    """Return an entry that says nothing but where it stands, and two of them whom they are about."""
    subjects = (Subject(CHILD, 1 + ABOUT.index(position)),) if position in ABOUT else ()
    time = "2026-11-24T10:00:00.000000Z"
    entry = Entry(Position(position), EntryId(f"{position:032x}"), EntryType.CONTENT_OPENED, time, subjects=subjects)
    return encode_entry(entry)


LEAVES = [leaf(position) for position in range(SIZE)]
NOTHING_SEALED = Wanted(frozenset())


async def exported(files: dict[str, bytes]) -> bytes:
    """Return the bundle of a log of these files."""
    file = io.BytesIO()
    await export_bundle(await published_log(MemoryTiles(files)), file, wanted=NOTHING_SEALED)
    return file.getvalue()


@pytest.mark.parametrize("size", [1, 255, 256, 257, SIZE])
async def test_what_was_published_makes_a_bundle_that_is_found_intact(size: int, tmp_path: Path) -> None:
    files = static_log(LEAVES[:size])
    file = tmp_path / "bundle.zip"
    file.write_bytes(await exported(files))
    key = SIGNER.verifier().verifier_key()
    assert bundle_verifier.main([str(file), "--log-key", key]) == 0
    with zipfile.ZipFile(file) as bundle:
        assert bundle.read("checkpoint") == files["checkpoint"]


async def test_a_bundle_is_made_though_its_partial_tile_has_been_filled_meanwhile() -> None:
    grown = static_log(LEAVES)
    files = {
        **static_log(LEAVES[:200]),
        "tile/0/000": grown["tile/0/000"],
        "tile/entries/000": grown["tile/entries/000"],
    }
    for gone in ("tile/0/000.p/200", "tile/entries/000.p/200"):
        del files[gone]
    assert await exported(files) == await exported(static_log(LEAVES[:200]))


async def test_a_bundle_leads_from_any_key_that_the_log_ever_had_to_the_one_in_use(tmp_path: Path) -> None:
    log, file = rotated_log(), tmp_path / "bundle.zip"
    files = {**static_log(log.leaves, signer=THIRD), "checkpoint": log.heads[-1]}
    entries = [parse_entry(leaf) for leaf in log.leaves]
    with file.open("wb") as written:
        published = await published_log(MemoryTiles(files), registered=entries)
        await export_bundle(published, written, wanted=NOTHING_SEALED)
    for signer, code in ((FIRST, 0), (SECOND, 0), (THIRD, 0), (STRANGER, 1)):
        assert bundle_verifier.main([str(file), "--log-key", signer.verifier().verifier_key()]) == code


async def test_files_that_do_not_fit_one_another_make_no_bundle() -> None:
    files = static_log(LEAVES)
    entries = parse_bundle(files["tile/entries/000"])
    for damage in (
        {"tile/entries/000": files["tile/entries/000"][:-1]},
        {"tile/0/000": files["tile/0/000"][:-32]},
        {"tile/entries/000": bundle_bytes([entries[1], entries[0], *entries[2:]])},
        {"checkpoint": static_log(LEAVES[:-1])["checkpoint"]}
        | {path: data for path, data in static_log([*LEAVES[:-2], LEAVES[-1]]).items() if ".p/" in path},
    ):
        with pytest.raises(IntegrityFailure):
            await exported({**files, **damage})


async def test_the_entries_about_a_child_are_found_and_nobody_is_said_to_be_unknown() -> None:
    log = await published_log(MemoryTiles(static_log(LEAVES)))
    assert [each.position for each in await entries_about(log, frozenset({CHILD}))] == list(ABOUT)
    with pytest.raises(NotFound, match=NOBODY):
        await entries_about(log, frozenset({CHILD, NOBODY}))
