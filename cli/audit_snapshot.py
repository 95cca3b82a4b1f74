"""The state that a replay adds up to, kept in a file and gone on from: proven to be of this log before it is used."""

from pathlib import Path

from cli import reach
from services.ledger.audit.replay import ReplayedState
from services.ledger.audit.snapshot import begin, catch_up, read_snapshot, write_snapshot
from shared.ledger.client import LedgerClient
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.verifier_key import parse_verifier_key


async def state_by_snapshot(client: LedgerClient, path: Path, *, verifier: NoteVerifier) -> ReplayedState:
    """Return the state as at the ledger's checkpoint, reading only what came after the snapshot; keep the new one.

    Raises SnapshotForeign when the snapshot is not the beginning of what the log has signed, InvalidInput when damaged.
    """
    checkpoint = open_checkpoint((await client.tree_head()).checkpoint, [verifier])
    kept = read_snapshot(path) or begin(checkpoint.origin)
    caught_up = await catch_up(kept, client.stored(after=kept.size - 1), to=checkpoint)
    write_snapshot(path, caught_up)
    return caught_up.state


async def state_kept_in(path: Path) -> ReplayedState:
    """Return the same of the ledger that runs here, held against its key."""
    async with reach.ledger("auditor") as client:
        return await state_by_snapshot(client, path, verifier=parse_verifier_key(reach.addresses().log_key))
