"""The messages between the ledger and its callers: MessagePack over a Unix socket or mutual TLS."""

import msgspec

from shared.entries import Obligation, RoleFact
from shared.identifiers import (
    AgencyId,
    ChildRef,
    EntryId,
    KeyThumbprint,
    ObligationId,
    Position,
    Recipient,
)
from shared.vocabulary import EntryType


class ChildIdentifier(msgspec.Struct, frozen=True):
    """One way a sender names a child, for the blind index.

    ``scheme`` and ``value`` are joined into one keyed hash; nothing of them is stored in clear. ``identifying`` is
    true only for what makes two records the same child: a traced NHS number *with* a date of birth
    (``nhs_number+date_of_birth``), or the same agency's own identifier (``local:<agency id>``). All else may only
    suggest a link, which a person decides.
    """

    scheme: str
    value: str
    identifying: bool


class NamedChild(msgspec.Struct, frozen=True):
    """The child that an append is about.

    ``ref`` is None for a child the ledger has not met: it makes a reference. ``expected_version`` is the version the
    caller decided on (0 for a new child), or None when the decision did not rest on one.
    """

    ref: ChildRef | None
    expected_version: int | None
    identifiers: tuple[ChildIdentifier, ...] = ()
    roles: tuple[RoleFact, ...] = ()


class Section(msgspec.Struct, frozen=True):
    """Bytes to seal beside an entry. ``name`` is one of ``body``, ``signature``, ``note``."""

    name: str
    content: bytes


class Idempotency(msgspec.Struct, frozen=True):
    """What makes two requests the same: ``scope`` (an agency or a service), its ``key`` and the ``request`` bytes.

    The key and the request are stored only as keyed hashes.
    """

    scope: str
    key: str
    request: bytes


class Answer(msgspec.Struct, frozen=True):
    """The answer the requester gets. The ledger adds position, time, child and receipt, and keeps the bytes."""

    status: int
    body: dict[str, object]


class AppendRequest(msgspec.Struct, frozen=True):
    """One entry to append, with everything that must happen in the same transaction."""

    entry_id: EntryId
    type: EntryType
    idempotency: Idempotency
    answer: Answer
    agency: AgencyId | None = None
    key: KeyThumbprint | None = None
    nonce: str | None = None
    child: NamedChild | None = None
    facts: dict[str, object] = {}
    obligations: tuple[Obligation, ...] = ()
    causes: tuple[EntryId, ...] = ()
    rules: str | None = None
    registry: Position | None = None
    sections: tuple[Section, ...] = ()


class Appended(msgspec.Struct, frozen=True):
    """The outcome of an append. ``repeated`` says that the request was known and this is its original answer."""

    position: Position
    status: int
    answer: bytes
    repeated: bool


MOST_IN_A_CALL = 64


class Several(msgspec.Struct, frozen=True):
    """Several requests of one kind in one call, at most MOST_IN_A_CALL, each judged by itself.

    They share nothing but the way: none waits for the one before it, and a refused one leaves the others as they are.
    """

    requests: tuple[msgspec.Raw, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What became of one of several requests: one of the two, the reply's bytes as a call of one alone gives them."""

    reply: bytes | None = None
    failure: "Failure | None" = None


class ResolveChild(msgspec.Struct, frozen=True):
    """Asks which child these identifiers name."""

    identifiers: tuple[ChildIdentifier, ...]


class ResolvedChild(msgspec.Struct, frozen=True):
    """Who the ledger knows by those identifiers.

    ``ref`` is None when nobody is *identified*. ``similar`` are children that something weaker points at, or that a
    second identifier identifies: for a person to decide, never merged. ``roles`` are the latest authority per role.
    """

    ref: ChildRef | None
    version: int
    roles: tuple[RoleFact, ...]
    similar: tuple[ChildRef, ...]


class AdmitRead(msgspec.Struct, frozen=True):
    """Asks that the nonce of a signed request that changes nothing be used up."""

    agency: AgencyId
    key: KeyThumbprint
    nonce: str


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry as stored: its position and its leaf bytes (``shared.entries.parse_entry`` reads them)."""

    position: Position
    leaf: bytes


class EntriesPage(msgspec.Struct, frozen=True):
    """Entries in position order. ``size`` is how many the ledger held when the page was read.

    ``writing`` is whether what gave it would have taken an append then; a ledger of an earlier release does not say.
    """

    entries: tuple[StoredEntry, ...]
    size: int
    writing: bool = True


class ObligationState(msgspec.Struct, frozen=True):
    """An obligation, how far it has come, and when it got there (RFC 3339, UTC).

    ``outcome`` is the code of the latest decision on it.
    """

    obligation: Obligation
    entry_id: EntryId
    entry_type: EntryType
    position: Position
    child: ChildRef | None
    state: str
    since: str
    queued: bool = False
    owner: str | None = None
    owner_since: str | None = None
    outcome: str | None = None


class EntryStatus(msgspec.Struct, frozen=True):
    """An entry with its original answer and the state of all that is owed because of it."""

    position: Position
    leaf: bytes
    answer: bytes
    obligations: tuple[ObligationState, ...]


class OwedQuery(msgspec.Struct, frozen=True):
    """Asks for obligations not yet received, oldest first, those after ``after`` (a position), at most ``limit``."""

    after: int = -1
    limit: int = 500
    recipient: Recipient | None = None


class OwedPage(msgspec.Struct, frozen=True):
    """Obligations still owed; ``owed_count`` counts all of them, on this page or not."""

    obligations: tuple[ObligationState, ...]
    owed_count: int


class OpenSection(msgspec.Struct, frozen=True):
    """Asks to open one sealed section. The opening is recorded as an entry, once for each ``purpose``.

    ``purpose`` names what it is for and for whom without personal data, such as
    ``deliver:<obligation id>:<endpoint id>``. ``obligation`` is because of which the ``recipient`` is shown it: what is
    protected is shown by what the recipient was to the child then, and hidden without it.
    """

    entry_id: EntryId
    section: str
    purpose: str
    recipient: Recipient | None = None
    obligation: ObligationId | None = None


class OpenedSection(msgspec.Struct, frozen=True):
    """What its recipient may see of a section, and the position of the entry that records this opening."""

    content: bytes
    recorded_at_position: Position


class TreeHead(msgspec.Struct, frozen=True):
    """The latest signed checkpoint: its size and the note's bytes."""

    size: int
    checkpoint: bytes


class WaitForEntry(msgspec.Struct, frozen=True):
    """Asks to be answered, with the ledger's size, once there is an entry after a position, or after so long."""

    after: int
    within_s: float


class LedgerStanding(msgspec.Struct, frozen=True):
    """What a ledger process is: ``writing``, ``standby`` or ``starting``, and the size it last released or watched."""

    standing: str
    size: int


class Failure(msgspec.Struct, frozen=True):
    """An error on the wire: its category (a class name of ``shared.errors``) and leaf code."""

    category: str
    code: str
    detail: str
    remedy: str = ""
    outcome_unknown: bool = False


class TileQuery(msgspec.Struct, frozen=True):
    """Asks for a published file by its path below the log's prefix: ``checkpoint`` or ``tile/…``."""

    path: str


class ObligationQuery(msgspec.Struct, frozen=True):
    """Asks for the state of one obligation."""

    obligation_id: ObligationId


class ChildKnownQuery(msgspec.Struct, frozen=True):
    """Asks whether anything was ever recorded about a child, erased or not."""

    child: ChildRef
