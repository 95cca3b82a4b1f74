"""A kept state of the replay: it carries log, size and tree, so that a stale or foreign one is found out."""

import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import msgspec

from services.ledger.audit.replay import ReplayedState
from shared.entries import parse_entry
from shared.errors import IntegrityFailure, InvalidInput
from shared.ledger.messages import StoredEntry
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import EMPTY, Frontier, grow, leaf_hash

SNAPSHOT_FORMAT = "safeguarding-exchange/state-snapshot/v1"


class SnapshotForeign(IntegrityFailure):
    """The snapshot is not of the log whose checkpoint it was held against, or the log was changed behind it."""

    code = "snapshot-foreign"


class Snapshot(msgspec.Struct, frozen=True):
    """What the entries before ``size`` add up to, with the right edge of the tree over them.

    The edge is enough to grow the tree from here: the root that comes out must be the one the log signed later.
    """

    origin: str
    size: int
    root: str
    frontier: bytes
    state: ReplayedState


class _Kept(msgspec.Struct, frozen=True):
    format: str
    sha256: str
    snapshot: msgspec.Raw


def begin(origin: str) -> Snapshot:
    """Return the snapshot of an empty log."""
    return Snapshot(origin, 0, EMPTY.root().hex(), EMPTY.to_bytes(), ReplayedState())


async def catch_up(snapshot: Snapshot, entries: AsyncIterator[StoredEntry], *, to: Checkpoint) -> Snapshot:
    """Return the snapshot as at a verified checkpoint, from the entries after it, in order. Uses the given one up.

    Raises SnapshotForeign when the snapshot's tree is not the beginning of the one that was signed: it is of another
    log, of a fork, or of a log that was cut short or rewritten since. Reads nothing that comes before the snapshot.
    """
    if snapshot.origin != to.origin or snapshot.size > to.size:
        raise SnapshotForeign(f"the snapshot is of {snapshot.size} entries, the log has {to.size}, or is another log")
    frontier, state = Frontier.from_bytes(snapshot.frontier), snapshot.state
    if frontier.size != snapshot.size or frontier.root().hex() != snapshot.root:
        raise SnapshotForeign("the snapshot contradicts itself")
    if snapshot.size < to.size:
        async for stored in entries:
            if int(stored.position) != int(frontier.size):
                raise SnapshotForeign(f"entry {frontier.size} does not follow the snapshot")
            frontier = grow(frontier, [leaf_hash(stored.leaf)]).frontier
            state.take(parse_entry(stored.leaf))
            if frontier.size == to.size:
                break
    if frontier.size != to.size or frontier.root() != to.root:
        raise SnapshotForeign(
            f"the snapshot at {snapshot.size} does not lead to the log's checkpoint of {to.size}",
            remedy="Delete the snapshot and replay from the beginning. If that is refused too, verify the log.",
        )
    return Snapshot(snapshot.origin, frontier.size, frontier.root().hex(), frontier.to_bytes(), state)


def read_snapshot(path: Path) -> Snapshot | None:
    """Return the snapshot that a file holds, not yet held against any log; None when there is no file.

    Raises InvalidInput when it is damaged or of another format.
    """
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        if kept.format != SNAPSHOT_FORMAT or sha256(kept.snapshot).hexdigest() != kept.sha256:
            raise InvalidInput(f"{path.name} is damaged, or a snapshot of another format", remedy="Delete it.")
        return msgspec.json.decode(kept.snapshot, type=Snapshot)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path.name} holds no snapshot", remedy="Delete it, and replay from the beginning."
        ) from error


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Keep a snapshot: whole or not at all."""
    content = msgspec.json.encode(snapshot)
    kept = _Kept(SNAPSHOT_FORMAT, sha256(content).hexdigest(), msgspec.Raw(content))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(kept))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
