"""The messages by which an agency reads a child's chronology, or looks for a child: always by its own signature."""

import msgspec

from shared.identifiers import (
    AgencyId,
    AuthorityCode,
    ChildRef,
    EntryId,
    KeyThumbprint,
    ObligationId,
    Position,
    Recipient,
)
from shared.ledger.messages import ChildIdentifier
from shared.vocabulary import EntryType


class SignedRead(msgspec.Struct, frozen=True):
    """A reader's own signed request, for the ledger to verify by itself.

    ``evidence`` is what was signed and the signature, ``target`` the path and query, ``body`` empty for a ``GET``.
    """

    agency: AgencyId
    key: KeyThumbprint
    nonce: str
    method: str
    target: str
    body: bytes
    evidence: bytes
    registry: Position


class ReadChronology(msgspec.Struct, frozen=True):
    """Asks for what the ledger holds about a child, as far as the reader's part in the case goes.

    ``as_at`` (RFC 3339, UTC) leaves out what was recorded later; who may read is always judged as of now. ``after`` is
    the last position had.
    """

    child: ChildRef
    as_at: str
    after: int
    limit: int
    signed: SignedRead


class NotificationShown(msgspec.Struct, frozen=True):
    """Somebody told because of an entry, and how far that had come."""

    id: ObligationId
    recipient: Recipient
    reasons: tuple[str, ...]
    urgency: str
    due_at: str
    state: str
    since: str


class EntryShown(msgspec.Struct, frozen=True):
    """One entry of a chronology as its reader may see it.

    ``about`` are the entries that it follows from, as far as they are shown. ``content`` is what was written, without
    what is hidden from the reader; ``content_is`` says why there is none: ``not_shown``, ``erased`` or ``none``.
    """

    id: EntryId
    type: EntryType
    position: Position
    time: str
    agency: AgencyId | None
    about: tuple[EntryId, ...]
    codes: dict[str, object]
    notifications: tuple[NotificationShown, ...]
    content: bytes | None
    content_is: str


class Chronology(msgspec.Struct, frozen=True):
    """A page of a chronology, oldest first.

    ``roles`` are what the reader's authority is to the child, as of now; empty for who only recorded or was told.
    ``next_after`` is where the next page begins, None when this is the last. ``recorded_at_position`` is the entry that
    records this look.
    """

    child: ChildRef
    as_at: str
    roles: tuple[str, ...]
    responsible: AuthorityCode | None
    entries: tuple[EntryShown, ...]
    next_after: Position | None
    recorded_at_position: Position


class FindChild(msgspec.Struct, frozen=True):
    """Asks for the child that identifiers name, among those in whose case the reader has a part."""

    identifiers: tuple[ChildIdentifier, ...]
    signed: SignedRead


class ChildFound(msgspec.Struct, frozen=True):
    """The child's reference; None when the ledger knows none of those identifiers, or none for this reader."""

    child: ChildRef | None
