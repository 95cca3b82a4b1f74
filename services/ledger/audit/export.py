"""Exporting the ledger into one file that anybody can check offline; docs/ledger-format.md gives its form."""

import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from services.ledger.audit.beside_the_log import AtPosition
from services.ledger.audit.damage import damaged
from services.ledger.audit.exported_log import ExportedLog, HashedLeaf, SignedHead
from services.ledger.audit.stored_log import StoredSection
from shared.canonical_json import Json, canonical_bytes
from shared.entries import parse_entry
from shared.errors import ExchangeError, InvalidInput, NotFound
from shared.identifiers import ChildRef, EntryId, Position
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.merkle import EMPTY, grow, leaf_hash
from shared.transparency.tiles import TILE_WIDTH, bundle_bytes, tile_bytes, tile_index_path, tile_path

FORMAT = "safeguarding-exchange/bundle/v1"
VERIFIER = Path(__file__).with_name("bundle_verifier.py")
_MADE = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same ledger gives the same bytes."""

README = """This file is a whole ledger of a safeguarding exchange, to be checked without the exchange and offline.

  python verify.py BUNDLE --log-key KEY --older CHECKPOINT

KEY is the log's verifier key and CHECKPOINT one you kept from earlier: have both from elsewhere, and verify.py too.
Whoever could forge this file could forge what lies inside it.
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """One section opened by break-glass: the salt and plaintext that its entry committed to."""

    position: Position
    section: str
    salted: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """Why content was opened for a bundle, and what was."""

    reason: str
    run: str
    sections: Sequence[Opened]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose sealed sections go into a bundle: everybody's (None), or those of entries about chosen children, or none.

    Every entry goes in either way: without all of them the tree cannot be rebuilt.
    """

    children: frozenset[ChildRef] | None = None

    def takes(self, leaf: bytes) -> bool:
        """Return whether an entry's sealed sections go in; those of unreadable bytes do, so that a check sees them."""
        if self.children is None:
            return True
        try:
            return any(subject.ref in self.children for subject in parse_entry(leaf).subjects)
        except ExchangeError:
            return True


@dataclass(frozen=True, slots=True)
class EntryAbout:
    """An entry about a child who was chosen, and the names of its sealed sections."""

    position: Position
    id: EntryId
    sections: tuple[str, ...]


async def export_bundle(
    stored: ExportedLog,
    file: IO[bytes],
    *,
    wanted: Wanted | None = None,
    opening: Opening | None = None,
    cosigned: Sequence[bytes] = (),
) -> Checkpoint:
    """Write everything that a check needs into one file, and return the checkpoint it ends at.

    Up to the latest signed head. The entries written hash to its root; its signature and all else are for whoever
    checks the bundle, and nothing is opened here. ``cosigned`` are checkpoints of this log with witnesses' signatures,
    which its database does not hold. Memory does not grow with the log. Raises NotFound when nothing has been signed
    yet; IntegrityFailure when an entry is missing or was changed; InvalidInput for a cosigned checkpoint of another log
    or of more entries. What was written by then is no bundle.
    """
    chosen = wanted if wanted is not None else Wanted()
    latest = await _latest(stored)
    ends = read_unverified_checkpoint(latest.checkpoint)
    for note in cosigned:
        said = read_unverified_checkpoint(note)
        if said.origin != ends.origin or said.size > ends.size:
            raise InvalidInput(f"the cosigned checkpoint of {said.size} entries is of another log, or of more entries")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        _write(bundle, "manifest.json", canonical_bytes(_manifest(ends, chosen, opening)))
        _write(bundle, "README.txt", README.encode())
        _write(bundle, "verify.py", VERIFIER.read_bytes())
        _write(bundle, "checkpoint", latest.checkpoint)
        with bundle.open(_member("heads"), "w", force_zip64=True) as heads:
            async for head in stored.heads():
                heads.write(_record(head.checkpoint))
        _write(bundle, "cosigned", b"".join(map(_record, cosigned)))
        sections: AtPosition[StoredSection] = AtPosition(stored.sections(), lambda section: section.position)
        index, tree = 0, EMPTY
        async for rows in _in_tiles(stored, size=latest.size):
            beside = [
                _section_record(section)
                for row in rows
                for section in await sections.take(row.position)
                if chosen.takes(row.leaf)
            ]
            tree = grow(tree, [_leaf_hash(row) for row in rows]).frontier
            width = len(rows)
            _write(bundle, tile_path(None, index, width=width), bundle_bytes([row.leaf for row in rows]))
            _write(bundle, tile_path(0, index, width=width), tile_bytes([row.leaf_hash for row in rows]))
            _write(bundle, f"sections/{tile_index_path(index)}", b"".join(beside))
            index += 1
        for each in opening.sections if opening is not None else ():
            _write(bundle, f"opened/{each.position}/{each.section}", each.salted)
    if (tree.size, tree.root()) != (ends.size, ends.root):
        raise damaged(f"its entries are not the {ends.size} that were signed")
    return ends


async def entries_about(stored: ExportedLog, children: frozenset[ChildRef]) -> list[EntryAbout]:
    """Return every entry about chosen children; what cannot be read is left to whoever checks the bundle.

    Raises NotFound, saying which, when nothing was ever recorded about one of them.
    """
    found, unknown = list[EntryAbout](), set(children)
    async for row in stored.rows():
        try:
            entry = parse_entry(row.leaf)
        except ExchangeError:
            continue
        refs = {subject.ref for subject in entry.subjects}
        if refs & children:
            found.append(EntryAbout(entry.position, entry.id, tuple(entry.commitments)))
            unknown -= refs
    if unknown:
        raise NotFound(
            f"nothing was ever recorded about a child {min(unknown)}",
            remedy="Check the reference; nothing was exported.",
        )
    return found


async def _latest(stored: ExportedLog) -> SignedHead:
    latest = None
    async for head in stored.heads():
        latest = head
    if latest is None:
        raise NotFound("the ledger has signed no checkpoint yet")
    return latest


async def _in_tiles(stored: ExportedLog, *, size: int) -> AsyncIterator[list[HashedLeaf]]:
    rows: list[HashedLeaf] = []
    expected = 0
    async for row in stored.rows():
        if row.position >= size:
            break
        if row.position != expected:
            raise damaged(f"entry {expected} is missing, so that nothing can be exported")
        expected += 1
        rows.append(row)
        if len(rows) == TILE_WIDTH:
            yield rows
            rows = []
    if rows:
        yield rows


def _leaf_hash(row: HashedLeaf) -> bytes:
    actual = leaf_hash(row.leaf)
    if actual != row.leaf_hash:
        raise damaged(f"the bytes of entry {row.position} are not those that were recorded")
    return actual


def _manifest(ends: Checkpoint, wanted: Wanted, opening: Opening | None) -> Json:
    opened: Json = None
    if opening is not None and opening.sections:
        opened = {
            "reason": opening.reason,
            "run": opening.run,
            "sections": [{"position": each.position, "section": each.section} for each in opening.sections],
        }
    return {
        "format": FORMAT,
        "origin": ends.origin,
        "size": ends.size,
        "children": None if wanted.children is None else sorted(wanted.children),
        "opened": opened,
    }


def _section_record(section: StoredSection) -> bytes:
    name = section.name.encode("ascii")
    return _record(section.position.to_bytes(8) + bytes([len(name)]) + name + section.content)


def _record(content: bytes) -> bytes:
    return len(content).to_bytes(4) + content


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=_MADE)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member


def _write(bundle: zipfile.ZipFile, name: str, data: bytes) -> None:
    bundle.writestr(_member(name), data)
