"""A log as static files on disk, of as many entries as asked, written by the ledger's own writer of tiles."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.appends import AGENCY, DARLINGTON
from services.ledger.adapters.tile_files import TileFiles
from services.ledger.write_tiles import TileWriter
from shared.entries import Commitment, Entry, Obligation, RoleFact, Subject, encode_entry
from shared.identifiers import ChildRef, EntryId, Position, TreeSize, authority_recipient, obligation_id
from shared.ledger.messages import StoredEntry
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.right_edge import NO_EDGE
from shared.transparency.signed_note import NoteSigner
from shared.vocabulary import EntryType

ORIGIN = "bench.example/log"

_SEALED = Commitment("5" * 64, "a" * 64)


class MadeEntries:
    """Entries as the ledger records shares, made when they are asked for, so that none are kept."""

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        """Return the entries after a position, in order; there is no end of them, and all are shares."""
        wanted = range(0) if registry_only else range(after + 1, after + 1 + limit)
        return tuple(StoredEntry(Position(position), _leaf(position)) for position in wanted)


async def write_static_log(folder: Path, *, size: int) -> str:
    """Write a log of that many entries, signed by a new key; return the key as verifiers read it."""
    files = TileFiles(folder)
    edge = await TileWriter(files, MadeEntries()).grow(NO_EDGE, size=TreeSize(size))
    signer = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    files.publish(sign_checkpoint(Checkpoint(ORIGIN, TreeSize(size), edge.root()), [signer]))
    return signer.verifier().verifier_key()


def _leaf(position: int) -> bytes:
    entry_id = EntryId(f"{position:032x}")
    return encode_entry(
        Entry(
            position=Position(position),
            id=entry_id,
            type=EntryType.SHARE_RECORDED,
            time="2026-11-25T10:00:00.000000Z",
            agency=AGENCY,
            subjects=(Subject(ChildRef(f"{position:032x}"), 1, (RoleFact("living_at", DARLINGTON),)),),
            facts={"level": "significant_harm", "level_as_given": "known", "consent": "not_sought"},
            obligations=(
                Obligation(
                    obligation_id(entry_id, ordinal=0),
                    authority_recipient(DARLINGTON),
                    ("lives_in_area",),
                    "same_day",
                    "2026-11-25T17:00:00.000000Z",
                    "working_days:England",
                    "recorded",
                ),
            ),
            registry=Position(1),
            commitments={"body": _SEALED, "signature": _SEALED},
        )
    )
