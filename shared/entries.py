"""The leaf of the ledger: what one entry says in clear, and the exact bytes that are hashed and proven.

A leaf holds codes, random references and commitments, and no direct identifier. See docs/ledger-format.md.
"""

from collections.abc import Mapping
from typing import cast

import msgspec

from shared.canonical_json import Json, canonical_bytes
from shared.errors import InvalidInput
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
from shared.vocabulary import EntryType

ENTRY_FORMAT = "safeguarding-exchange/entry/v1"
LARGEST_LEAF_BYTES = 65_535
"""An entry bundle gives each entry a 16-bit length (C2SP tlog-tiles)."""


class RoleFact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That an authority stands in a role to a child, as this entry says."""

    role: str
    authority: AuthorityCode


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A child an entry is about. ``version`` counts that child's entries from 1, without gaps."""

    ref: ChildRef
    version: int
    roles: tuple[RoleFact, ...] = ()


class Obligation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who must be told because of an entry, with every reason and the earliest deadline.

    ``due_at`` is RFC 3339 in UTC; ``calendar`` names the clock it was reckoned on (``clock_hours``,
    ``working_days:England`` …) and ``clock_start`` the event that started it.
    """

    id: ObligationId
    recipient: Recipient
    reasons: tuple[str, ...]
    urgency: str
    due_at: str
    calendar: str
    clock_start: str


class Commitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hashes, lower-case hexadecimal, that bind an entry to one sealed section without opening it."""

    sha256: str
    ciphertext_sha256: str


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="format", tag=ENTRY_FORMAT):
    """One fact in the ledger.

    ``time`` is when the ledger recorded it (RFC 3339, UTC), never earlier than the entry before. ``facts`` are
    codes that the type defines. ``registry`` is the position of the last registry entry it was checked against.
    """

    position: Position
    id: EntryId
    type: EntryType
    time: str
    agency: AgencyId | None = None
    key: KeyThumbprint | None = None
    subjects: tuple[Subject, ...] = ()
    facts: Mapping[str, object] = {}
    obligations: tuple[Obligation, ...] = ()
    causes: tuple[EntryId, ...] = ()
    rules: str | None = None
    registry: Position | None = None
    commitments: Mapping[str, Commitment] = {}


class _Format(msgspec.Struct):
    """What every version of the format has."""

    format: str


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Entry)
_format_decoder = msgspec.json.Decoder(_Format)


def encode_entry(entry: Entry) -> bytes:
    """Return the canonical bytes of an entry: what is hashed into the tree and kept for ever.

    ``facts`` must already have been accepted by ``canonical_bytes``. Raises InvalidInput when the leaf would be
    larger than 65,535 bytes.
    """
    # All names are ASCII and everything but `facts` is text and integers, so that the sorted output of a serialiser
    # is the canonical form; `facts` is checked where it enters.
    leaf = _encoder.encode(entry)
    if len(leaf) > LARGEST_LEAF_BYTES:
        raise InvalidInput("the entry would be larger than 65,535 bytes")
    return leaf


def parse_entry(leaf: bytes) -> Entry:
    """Return the entry that stored bytes hold.

    Raises InvalidInput unless they are a whole entry of a known format in canonical form.
    """
    try:
        entry = _decoder.decode(leaf)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(leaf) from error
    # Whatever was left out, came twice or in another order does not come back as it was.
    canonical_bytes(cast(Json, entry.facts))
    if _encoder.encode(entry) != leaf:
        raise InvalidInput("the entry's bytes are not in canonical form")
    return entry


def _unreadable(leaf: bytes) -> InvalidInput:
    try:
        known = _format_decoder.decode(leaf).format == ENTRY_FORMAT
    except (msgspec.MsgspecError, UnicodeDecodeError):
        known = True
    if known:
        return InvalidInput("the bytes are not an entry of this ledger's format")
    return InvalidInput("the entry's format version is not known here; upgrade before reading it")
