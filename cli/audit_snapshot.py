"""The state that a replay adds up to, kept in a file and gone on from: proven to be of this log before it is used."""

from pathlib import Path

from cli.audited_ledger import AuditedLedger
from services.ledger.audit.replay import ReplayedState
from services.ledger.audit.snapshot import begin, catch_up, read_snapshot, write_snapshot
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.signed_note import NoteVerifier


async def state_by_snapshot(ledger: AuditedLedger, path: Path, *, verifier: NoteVerifier) -> ReplayedState:
    """Return the state as at the ledger's checkpoint, reading only what came after the snapshot; keep the new one.

    Raises SnapshotForeign when the snapshot is not the beginning of what the log has signed, InvalidInput when damaged.
    """
    checkpoint = open_checkpoint(await ledger.checkpoint(), [verifier])
    kept = read_snapshot(path) or begin(checkpoint.origin)
    caught_up = await catch_up(kept, ledger.stored(after=kept.size - 1), to=checkpoint)
    write_snapshot(path, caught_up)
    return caught_up.state
