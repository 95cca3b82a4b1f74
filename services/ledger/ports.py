"""What the ledger's use cases need from outside, each with its guarantees."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.ledger.domain.plan import PlannedEntry, StoredAnswer
from services.ledger.domain.sealing import DataKey, WrappedKey
from shared.errors import ExchangeError
from shared.identifiers import ChildRef, EntryId, Position, TreeSize
from shared.ledger.messages import StoredEntry
from shared.ledger.registry import Registry
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import Frontier
from shared.transparency.signed_note import NoteSignature


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head as stored: size, frontier and the signed checkpoint."""

    size: TreeSize
    frontier: Frontier
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """Everything one transaction adds to the log."""

    previous_size: TreeSize
    head: Head
    entries: Sequence[PlannedEntry]
    answers: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What the database knows of a batch; fingerprints not yet judged."""

    answers: dict[bytes, "FoundAnswer"]
    nonces: frozenset[bytes]
    versions: dict[ChildRef, int]
    identified: dict[bytes, ChildRef]


@dataclass(frozen=True, slots=True)
class FoundAnswer:
    """A stored answer with what is needed to tell whether a repeat is the same request.

    ``wrapped`` is None when the key of its fingerprint has been destroyed; ``opened`` is that key once it was asked
    for, or why a repeat cannot be answered: the key is not to be had now, or what is stored here is damaged.
    """

    position: Position
    entry_id: EntryId
    status: int
    body: bytes
    fingerprint: bytes
    data_key_id: str
    wrapped: WrappedKey | None
    opened: DataKey | ExchangeError | None = None

    def judged(self, *, same_request: bool | None) -> StoredAnswer:
        """Return the answer with the verdict on the repeat."""
        return StoredAnswer(self.position, self.entry_id, self.status, self.body, same_request)


@dataclass(frozen=True, slots=True)
class HashedEntry:
    """An entry as stored: its leaf bytes, and the leaf hash that stands beside them."""

    position: Position
    leaf: bytes
    leaf_hash: bytes


class WriterLost(Exception):
    """The writer's session with the database is gone: what was being committed may or may not be there."""


class Log(Protocol):
    """The log's one writer, once ``win`` has returned true: it then holds the database's election lock."""

    async def win(self) -> bool:
        """Try to become the only writer; false while another process is. Raises WriterLost."""
        ...

    async def keep(self) -> None:
        """Keep the lock for as long as it can be kept; raises WriterLost as soon as it is known to be gone."""
        ...

    async def close(self) -> None:
        """Give up the writer's role."""
        ...

    async def head(self) -> Head | None:
        """Return the latest head, or None when the log is empty. Raises WriterLost."""
        ...

    async def time(self) -> datetime:
        """Return what time it is by the clock of the database's machine. Raises WriterLost."""
        ...

    async def look_up(
        self,
        *,
        answer_tokens: Sequence[bytes],
        nonce_tokens: Sequence[bytes],
        children: Sequence[ChildRef],
        identifier_tokens: Sequence[bytes],
    ) -> LookedUp:
        """Return what is committed about these, in one round trip. May run while ``commit`` does."""
        ...

    async def commit(self, batch: CommittedBatch) -> None:
        """Add a batch, whole or not at all; durable when this returns. Never to be cancelled.

        Raises IntegrityFailure when another writer has committed, InvalidInput when the database refuses a value, and
        WriterLost, or Unavailable where it is known why, when the outcome is unknown.
        """
        ...


class StoredLog(Protocol):
    """What whoever takes office reads of the log, beside the writer's own session. Raises Unavailable."""

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        """Return stored entries after a position, in order."""
        ...

    async def registry(self) -> Registry:
        """Return the registry as the committed entries make it."""
        ...

    async def stewardship_entries(self, *, after: int, limit: int) -> tuple[StoredEntry, ...]:
        """Return stored entries about holds, erasures and retention after a position, in order."""
        ...

    async def checkpoint_at(self, size: int) -> bytes | None:
        """Return the checkpoint of a tree head of exactly that size, or None."""
        ...

    async def checkpoint_of_newest_log_key(self) -> bytes | None:
        """Return the first checkpoint that covers the latest ``log_key.added``, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard remembers: the tree it last let go out, and the note that says so."""

    size: TreeSize
    root: bytes
    checkpoint: bytes


class Guard(Protocol):
    """Remembers outside the database what was last signed, so that a restored backup can never sign a fork."""

    def recall(self) -> Guarded | None:
        """Return what was last remembered, or None when nothing ever was. Raises IntegrityFailure when damaged."""
        ...

    async def remember(self, head: Head) -> None:
        """Keep a head; it survives a crash when this returns. Never goes back to a smaller tree.

        Raises Unavailable, its outcome unknown, when that cannot be done now, and IntegrityFailure for a fork.
        """
        ...


class KeyEncryption(Protocol):
    """Keeps the key-encryption keys, one for each epoch, and wraps data keys under them.

    A key is known by its id, which gives nothing of it away. Every method raises Unavailable when the keeper does not
    answer in time: nothing was done, and the same may be asked again.
    """

    async def epochs(self) -> tuple[str, ...]:
        """Return the ids of the keys that are there, the oldest first, as it is now."""
        ...

    async def make(self) -> str:
        """Make the next epoch's key and return its id; the key survives a crash when this returns."""
        ...

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        """Return the wrapped form of a data key, bound to its id. ``nonce`` is 12 fresh random bytes.

        Raises IntegrityFailure when there is no such key-encryption key.
        """
        ...

    async def unwrap(self, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        """Return the data key. Raises IntegrityFailure when it does not open or its key-encryption key is not there."""
        ...

    async def destroy(self, kek_id: str) -> None:
        """Destroy a key for good. Idempotent: a key that is not there is destroyed already."""
        ...


class DataKeyStore(Protocol):
    """The stored data keys, for whoever wraps them anew. Raises Unavailable when the database does not answer."""

    async def wrapped_under_others(self, kek_id: str, *, after: str, limit: int) -> Mapping[str, WrappedKey]:
        """Return data keys that are wrapped under another key than ``kek_id``, by id, in order, after an id."""
        ...

    async def replace(self, old: Mapping[str, WrappedKey], new: Mapping[str, WrappedKey]) -> int:
        """Store the new wrapped forms where the old ones still stand, all or none; return how many that were.

        A key that was erased meanwhile stays erased.
        """
        ...

    async def count_by_key(self) -> Mapping[str, int]:
        """Return how many data keys are wrapped under each key-encryption key."""
        ...


ConsistencyProver = Callable[[TreeSize], Awaitable[tuple[bytes, ...]]]
"""Returns the consistency proof from an older size, from 1 on, to the checkpoint that is being witnessed."""


class Witnesses(Protocol):
    """Parties outside who countersign published checkpoints. None of them ever stands in the way of acceptance."""

    def cosign(
        self, checkpoint: Checkpoint, note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        """Yield a checkpoint's verified cosignatures, perhaps none, in bounded time; then again as more come.

        The first are enough for the policy, or all that could be had in time; while they are not enough, witnesses are
        asked again. ``held`` are cosignatures of this checkpoint from before: when they are enough, nothing is
        yielded. Ends when enough have cosigned; close it when a newer checkpoint takes this one's place.

        Never raises because a witness is down, slow or wrong: that is counted and logged. Raises IntegrityFailure when
        a witness proves that this log has forked.
        """
        ...
