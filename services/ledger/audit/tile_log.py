"""Verifying a log from its static files, wherever they are read from: a folder, an HTTP prefix, a bundle, a gateway."""

from collections.abc import Sequence
from contextlib import aclosing

from services.ledger.audit.approvals import ApprovalCheck
from services.ledger.audit.contents import Contents
from services.ledger.audit.cosignatures import check_cosignatures
from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.kept_checkpoints import check_kept, read_kept
from services.ledger.audit.log_succession import LogSuccession
from services.ledger.audit.read_tiles import leaf_paths, read_ahead, read_tile
from services.ledger.audit.tile_levels import (
    TileFault,
    TileLevels,
    TileTorn,
    check_leaf_tile,
    check_tile,
    fold,
    hash_bundle,
)
from shared.entries import parse_entry
from shared.errors import ExchangeError, InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.ledger.log_keys import TrustedLogKeys
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.merkle import HASH_BYTES
from shared.transparency.signed_note import NoteUnsigned, NoteVerifier
from shared.transparency.tile_source import TileSource
from shared.transparency.tiles import TILE_WIDTH, parse_bundle, tile_path

BESIDE_THE_FILES = ("sealed sections", "answers with their receipts")
"""What stands beside a log and is in no file of it."""


async def verify_tiles(
    source: TileSource,
    *,
    verifiers: Sequence[NoteVerifier],
    older_notes: Sequence[bytes] = (),
    witnesses: Sequence[NoteVerifier] = (),
) -> Report:
    """Return what a full check of a log's static files finds.

    Every entry, every tile, who approved each erasure, the checkpoint's signature, cosignatures by ``witnesses`` on it
    and on those that were kept, and older checkpoints that the auditor kept (their notes). What is stored beside the
    log (sealed sections, answers) is not in these files. The checkpoint may be signed by a later or earlier key than
    those of ``verifiers``: the log's entries must then lead from the one to the other. Memory does not grow with the
    log. Ends at the first tile that is not what its entries make it. Raises Unavailable when the source does not
    answer, NotPermitted when it will not, NotFound when nothing is published there, and InvalidInput when that, or a
    kept note, is no checkpoint: then nothing was checked.
    """
    report, kept = Report(not_checked=[*BESIDE_THE_FILES]), read_kept(older_notes)
    note = await source.read("checkpoint")
    try:
        checkpoint = _read_unless_forged(note, verifiers)
    except InvalidInput as error:
        raise InvalidInput(f"what stands there as the log's checkpoint is none: {error.detail}") from error
    except ExchangeError as error:
        report.find(FindingKind.BAD_SIGNATURE, f"the log's checkpoint: {error.detail}", at=0)
        return report
    report.heads, report.size, report.root = 1, checkpoint.size, checkpoint.root.hex()
    notes = [note]
    succession = LogSuccession(TrustedLogKeys(verifiers))
    walk = _Walk(source, report, checkpoint, [each.said.size for each in kept], succession)
    try:
        await walk.run()
        await succession.judge(report, note, of=checkpoint, kept=kept, source=source)
        notes += check_kept(report, succession.keys, kept, walk.roots)
    except TileFault as fault:
        report.find(walk.kind_of(fault), fault.detail, at=fault.position, to=fault.last_position)
    except NotFound as error:
        report.find(FindingKind.MISSING_TILE, error.detail, at=walk.reached, to=max(walk.reached, checkpoint.size - 1))
    check_cosignatures(report, notes, witnesses)
    return report


def _read_unless_forged(note: bytes, verifiers: Sequence[NoteVerifier]) -> Checkpoint:
    """Return what a checkpoint says. Whoever signed it may be in the log; a known key's bad signature is refused."""
    try:
        return open_checkpoint(note, verifiers)
    except NoteUnsigned:
        return read_unverified_checkpoint(note)


class _Walk:
    """One pass over the files. ``reached`` is the first entry not yet proven; ``roots`` are those at ``sizes``."""

    def __init__(
        self,
        source: TileSource,
        report: Report,
        checkpoint: Checkpoint,
        sizes: Sequence[TreeSize],
        succession: LogSuccession,
    ) -> None:
        self._source = source
        self._report = report
        self._checkpoint = checkpoint
        self._sizes = sorted(sizes)
        self._levels = TileLevels()
        self._contents = Contents(report)
        self._approvals = ApprovalCheck(report)
        self._succession = succession
        self._bundle: Sequence[bytes] = ()
        self.reached = 0
        self.roots: dict[int, bytes] = {}

    async def run(self) -> None:
        """Read everything in order. Raises TileFault or NotFound where the check cannot go on."""
        size = self._checkpoint.size
        leaves: list[bytes] = []
        async with aclosing(read_ahead(self._source, leaf_paths(size))) as files:
            async for bundle in files:
                index, width = self.reached // TILE_WIDTH, min(TILE_WIDTH, size - self.reached)
                leaves = hash_bundle(bundle, index=index, width=width)
                self._bundle = parse_bundle(bundle)
                check_leaf_tile(leaves, await anext(files), index=index)
                self._note_roots(leaves)
                for offset, leaf in enumerate(self._bundle):
                    position = self.reached + offset
                    entry = self._contents.check(leaf, position=position)
                    if entry is not None:
                        self._approvals.check(entry, at=position)
                        self._succession.take(entry)
                if width == TILE_WIDTH:
                    await self._add(fold(leaves))
                    leaves = []
                self.reached += width
        for level, index, data in self._levels.edge():
            await self._check(level + 1, index, data)
        self._report.children = len(self._contents.versions)
        if self._levels.root([fold(leaves)] if leaves else ()) != self._checkpoint.root:
            raise TileFault("the entries are not those that were signed", position=0, last_position=max(1, size) - 1)

    def kind_of(self, fault: TileFault) -> FindingKind:
        """Return what a fault is that this pass ended at."""
        if isinstance(fault, TileTorn):
            return FindingKind.TORN_TILE
        if fault.position != fault.last_position:
            return FindingKind.BAD_TILE
        try:
            said = parse_entry(self._bundle[fault.position - self.reached]).position
        except (ExchangeError, IndexError):
            return FindingKind.EDITED_ENTRY
        return FindingKind.EDITED_ENTRY if said == fault.position else FindingKind.MISPLACED_ENTRY

    async def _add(self, root: bytes) -> None:
        for level, index, data in self._levels.add(root, level=0):
            await self._check(level + 1, index, data)

    async def _check(self, level: int, index: int, expected: bytes) -> None:
        found = await read_tile(self._source, tile_path(level, index, width=len(expected) // HASH_BYTES))
        check_tile(level, index, expected=expected, found=found)

    def _note_roots(self, leaves: Sequence[bytes]) -> None:
        while self._sizes and self._sizes[0] <= self.reached + len(leaves):
            size = self._sizes.pop(0)
            within = leaves[: size - self.reached]
            self.roots[size] = self._levels.root([fold(within)] if within else ())
