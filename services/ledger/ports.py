"""What the ledger's use cases need from outside, each with its guarantees."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.ledger.domain.plan import PlannedEntry, StoredAnswer
from shared.identifiers import ChildRef, EntryId, Position, TreeSize
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
    """A stored answer with what is needed to tell whether a repeat is the same request."""

    position: Position
    entry_id: EntryId
    status: int
    body: bytes
    fingerprint: bytes
    data_key_id: str
    wrapped: bytes | None

    def judged(self, *, same_request: bool | None) -> StoredAnswer:
        """Return the answer with the verdict on the repeat."""
        return StoredAnswer(self.position, self.entry_id, self.status, self.body, same_request)


class WriterLost(Exception):
    """The writer's session with the database is gone: what was being committed may or may not be there."""


class Log(Protocol):
    """The log's one writer. Holding it means holding the database's election lock."""

    async def head(self) -> Head | None:
        """Return the latest head, or None when the log is empty."""
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
        """Add a batch, whole or not at all; durable when this returns.

        Raises IntegrityFailure when another writer has committed, InvalidInput when the database refuses a value,
        and WriterLost when the outcome is unknown.
        """
        ...


class Guard(Protocol):
    """Remembers outside the database what was last signed, so that a restored backup can never sign a fork."""

    async def remember(self, head: Head) -> None:
        """Keep a head; it survives a crash when this returns."""
        ...


ConsistencyProver = Callable[[TreeSize], Awaitable[tuple[bytes, ...]]]
"""Returns the consistency proof from an older size, from 1 on, to the checkpoint that is being witnessed."""


class Witnesses(Protocol):
    """Parties outside who countersign published checkpoints. None of them ever stands in the way of acceptance."""

    async def cosign(
        self, checkpoint: Checkpoint, note: bytes, *, prove: ConsistencyProver
    ) -> tuple[NoteSignature, ...]:
        """Return the verified cosignatures on a signed checkpoint that could be had in time, perhaps none.

        Never raises because a witness is down, slow or wrong: that is counted and logged. Raises IntegrityFailure when
        a witness proves that this log has forked.
        """
        ...
