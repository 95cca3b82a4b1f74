"""What the sequencer decides on and what it decides: requests made ready, what is known of them, and the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from services.ledger.domain.ladder import Step
from services.ledger.domain.sealing import DataKey, SealedSection
from shared.entries import Entry
from shared.errors import ExchangeError
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.messages import AppendRequest
from shared.ledger.registry import Registry
from shared.ledger.stewardship import Stewardship
from shared.transparency.merkle import Frontier


class IdentifierToken(msgspec.Struct, frozen=True):
    """The blind hash of one identifier, and whether it identifies."""

    token: bytes
    identifying: bool


class Prepared(msgspec.Struct, frozen=True):
    """A request made ready outside the sequencer: sealed and hashed, lacking only its place in the ledger.

    ``child_ref`` is the child's reference, freshly made for a child the ledger has not met. ``fingerprint`` tells,
    under the data key, whether a repeat is the same request.
    ``key_is_new`` says that the data key is to be stored with the entry.
    """

    request: AppendRequest
    answer_token: bytes
    nonce_token: bytes | None
    fingerprint: bytes
    data_key: DataKey
    key_is_new: bool
    sections: tuple[SealedSection, ...]
    identifiers: tuple[IdentifierToken, ...]
    child_ref: ChildRef | None

    @property
    def said(self) -> bytes:
        """The bytes by which a repeat is told from another request under the same idempotency key."""
        return self.request.idempotency.request

    @property
    def known_child(self) -> ChildRef | None:
        """The child that the request names by a reference it already has."""
        return self.request.child.ref if self.request.child is not None else None


class StoredAnswer(msgspec.Struct, frozen=True):
    """An answer given before. ``same_request`` was judged under the data key; None when that key is destroyed."""

    position: Position
    entry_id: EntryId
    status: int
    body: bytes
    same_request: bool | None


class GivenAnswer(msgspec.Struct, frozen=True):
    """An answer of the batch before, whose body is at hand once that batch is answered."""

    position: Position
    entry_id: EntryId
    status: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says about a batch of requests.

    ``answers`` are by answer token *and* what was said: two requests of one batch may share a key and differ in body,
    and each is judged by itself. It is an error where it cannot be judged or given: that one request hears of it.
    """

    answers: Mapping[tuple[bytes, bytes], StoredAnswer | ExchangeError] = field(default_factory=dict)
    nonces: frozenset[bytes] = frozenset()
    versions: Mapping[ChildRef, int] = field(default_factory=dict)
    identified: Mapping[bytes, ChildRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recent:
    """What the batch before this one added. The database was asked while that batch was still being committed."""

    answers: Mapping[bytes, tuple[GivenAnswer, bytes]] = field(default_factory=dict)
    nonces: frozenset[bytes] = frozenset()
    versions: Mapping[ChildRef, int] = field(default_factory=dict)
    identified: Mapping[bytes, ChildRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WriterState:
    """Where the log stands: its tree, the time of its last entry, the registry, and what must be kept or is erased."""

    frontier: Frontier
    last_time: datetime
    registry: Registry
    stewardship: Stewardship = field(default_factory=Stewardship)


class PlannedEntry(msgspec.Struct, frozen=True):
    """An entry with its bytes and everything that is stored beside it in the same transaction.

    ``new_identifiers`` are the hashes to index. ``answers`` is false for the record of a conflicting attempt, which
    must not take the idempotency key.
    """

    entry: Entry
    leaf: bytes
    leaf_hash: bytes
    prepared: Prepared
    new_identifiers: tuple[IdentifierToken, ...]
    steps: tuple[Step, ...]
    answers: bool = True


class Repeat(msgspec.Struct, frozen=True):
    """The request was known: this is its original answer."""

    stored: StoredAnswer | GivenAnswer


class SameAs(msgspec.Struct, frozen=True):
    """The request is a duplicate of one in this very batch: it gets the answer of that planned entry."""

    ordinal: int


class Becomes(msgspec.Struct, frozen=True):
    """The request becomes that planned entry."""

    ordinal: int


Outcome = Repeat | SameAs | Becomes | ExchangeError


@dataclass(frozen=True, slots=True)
class Plan:
    """Entries to commit, in order, and one outcome for each request; ``state`` holds once they are committed.

    The frontier in ``state`` is still the one before: growing the tree needs all leaves at once.
    """

    entries: tuple[PlannedEntry, ...]
    outcomes: tuple[Outcome, ...]
    registry: Registry
    time: datetime
    stewardship: Stewardship = field(default_factory=Stewardship)
