"""The messages of an auditor's questions to the ledger: what was known of a child, by whom, at a moment."""

from enum import StrEnum

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


class WhoKnewQuery(msgspec.Struct, frozen=True):
    """Asks who knew what about a child at a moment (RFC 3339, UTC, as ``shared.clock.rfc3339`` writes it)."""

    child: ChildRef
    as_at: str


class DecisionKnown(msgspec.Struct, frozen=True):
    """What an agency shared, withheld or reported: where and when it stands in the ledger, and its codes.

    ``codes`` are the entry's facts, such as level, reasons and challenges; what was written is sealed. ``erased_at`` is
    the position of the erasure that destroyed it, if one had by then.
    """

    position: Position
    time: str
    kind: str
    agency: AgencyId | None
    codes: dict[str, object]
    erased_at: Position | None = None


class StepKnown(msgspec.Struct, frozen=True):
    """That a notification got to a rung, by which entry. ``owner`` is the account of who took a queue item."""

    state: str
    position: Position
    time: str
    owner: str | None = None


class TellingKnown(msgspec.Struct, frozen=True):
    """Somebody who was to be told because of an entry, and every step of how far that came."""

    notification: ObligationId
    recipient: Recipient
    because_of: Position
    owed_since: str
    reasons: tuple[str, ...]
    urgency: str
    due_at: str
    state: str
    steps: tuple[StepKnown, ...]


class LookKnown(msgspec.Struct, frozen=True):
    """That sealed content was opened: by whom, what for, and of which entries (first and last position)."""

    position: Position
    time: str
    by: str
    recipient: str | None
    section: str
    purpose: str
    of: tuple[Position, Position] | None


class MoveKnown(msgspec.Struct, frozen=True):
    """That the child seemed to have moved from one authority's area to another's."""

    position: Position
    time: str
    origins: tuple[str, ...]
    to: str
    role: str
    permanence: str


class ChangeKnown(msgspec.Struct, frozen=True):
    """That a record was amended or erased: by whom, by which entry, and which record's position.

    ``of`` is None when everything recorded about the child until then was erased; ``of_erased_at`` is the position of
    the erasure that has destroyed what that record said. ``by`` is an agency, or the account that proposed an erasure,
    which those in ``approved_by`` approved and ``carried_out_by`` carried out. ``codes`` say why, such as ``reason``.
    """

    position: Position
    time: str
    kind: str
    by: str | None
    of: Position | None
    of_erased_at: Position | None = None
    approved_by: tuple[str, ...] = ()
    carried_out_by: str | None = None
    codes: dict[str, object] = msgspec.field(default_factory=dict)


class SuspectKnown(msgspec.Struct, frozen=True):
    """That the key which signed an entry was, as is known now, in other hands from a moment on, at or before it."""

    position: Position
    compromised_from: str


class Verification(msgspec.Struct, frozen=True):
    """How far an answer's entries were held against what the log has signed and published.

    ``verified`` is whether each of them is under its published checkpoint of ``size`` entries; ``unverified`` are the
    positions that are not, such as those after it. Each hashes to what is stored beside it, either way.
    """

    verified: bool = False
    size: int = 0
    unverified: tuple[Position, ...] = ()


class WhoKnew(msgspec.Struct, frozen=True, kw_only=True):
    """All that the ledger held about a child at a moment.

    ``verification`` comes first: until a full check was run, what is not verified may have been changed.
    ``entries`` counts them: the child's entries are numbered without gaps, so that one left out between others would
    show; that none was cut off at the end is for a full check to say.
    ``responsible`` is the authority that first owned a concern by a signed acknowledgement.
    """

    verification: Verification = Verification()
    child: ChildRef
    as_at: str
    entries: int
    roles: dict[str, AuthorityCode]
    responsible: AuthorityCode | None
    decisions: tuple[DecisionKnown, ...]
    told: tuple[TellingKnown, ...]
    looks: tuple[LookKnown, ...]
    moves: tuple[MoveKnown, ...]
    changes: tuple[ChangeKnown, ...]
    suspects: tuple[SuspectKnown, ...] = ()


class SignedOpening(msgspec.Struct, frozen=True):
    """An auditor's own signed request to open something, for the ledger to verify by itself.

    ``evidence`` is what was signed and the signature; ``target`` the path it was posted to.
    """

    agency: AgencyId
    key: KeyThumbprint
    nonce: str
    idempotency_key: str
    target: str
    body: bytes
    evidence: bytes
    registry: Position


class BreakGlass(msgspec.Struct, frozen=True):
    """Asks to open one sealed section against a reason that is put on the record first.

    ``reason`` is one of ``shared.vocabulary.OpeningReason``; ``note`` is why, in words, and is sealed. ``run`` tells
    one audit run from another. What comes through the gateway carries the auditor's own signature; else ``by`` is the
    account of the person who opens it.
    """

    entry_id: EntryId
    section: str
    reason: str
    note: str
    run: str = ""
    signed: SignedOpening | None = None
    by: str | None = None


class GlassBroken(msgspec.Struct, frozen=True):
    """What was opened: the plain bytes, the salt that the entry's commitment needs, and the record of the opening.

    ``answer`` is the answer kept for whoever asked; it holds a receipt and nothing of the content.
    """

    content: bytes
    salt: bytes
    recorded_at_position: Position
    answer: bytes


class OpenSignatures(msgspec.Struct, frozen=True):
    """Asks to open the ``signature`` sections of a range of entries for one audit run: one opening on the record.

    ``run`` names the run; every page of it is asked for with the same range. ``after`` is the last position had. With
    ``bodies`` the ledger also opens each body, within itself, to hold it against the digest that was signed; the record
    of the opening says so. What comes through the gateway carries the auditor's own signature, and says why.
    """

    run: str
    first_position: Position
    last_position: Position
    after: int
    limit: int = 200
    bodies: bool = False
    reason: str = ""
    note: str = ""
    signed: SignedOpening | None = None


class BodyStanding(StrEnum):
    """What the ledger found when it held a body against the digest kept with its signature; the body stays with it."""

    NONE = ""
    AS_SIGNED = "as_signed"
    NOT_AS_SIGNED = "not_as_signed"
    NOT_OPENABLE = "not_openable"


class OpenedSignature(msgspec.Struct, frozen=True):
    """One signature section in plain; ``content`` is None when its key has been destroyed or it does not open."""

    position: Position
    content: bytes | None
    fault: str = ""
    body: BodyStanding = BodyStanding.NONE


class SignaturesPage(msgspec.Struct, frozen=True):
    """Signature sections in position order, and the position of the entry that records the run's opening."""

    signatures: tuple[OpenedSignature, ...]
    recorded_at_position: Position
