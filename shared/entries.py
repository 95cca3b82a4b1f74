"""The leaf of the ledger: what one entry says in clear, and the exact bytes that are hashed and proven.

A leaf holds codes, random references and commitments, and no direct identifier. See docs/ledger-format.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import msgspec
import orjson

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


@dataclass(frozen=True, slots=True)
class RoleFact:
    """That an authority stands in a role to a child, as this entry says."""

    role: str
    authority: AuthorityCode


@dataclass(frozen=True, slots=True)
class Subject:
    """A child an entry is about. ``version`` counts that child's entries from 1, without gaps."""

    ref: ChildRef
    version: int
    roles: tuple[RoleFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Obligation:
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


@dataclass(frozen=True, slots=True)
class Commitment:
    """Hashes, lower-case hexadecimal, that bind an entry to one sealed section without opening it."""

    sha256: str
    ciphertext_sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
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
    facts: Mapping[str, Json] = field(default_factory=dict)
    obligations: tuple[Obligation, ...] = ()
    causes: tuple[EntryId, ...] = ()
    rules: str | None = None
    registry: Position | None = None
    commitments: Mapping[str, Commitment] = field(default_factory=dict)


class _Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape that stored bytes must have, every member present."""

    format: str
    position: int
    id: str
    type: EntryType
    time: str
    agency: str | None
    key: str | None
    subjects: tuple[Subject, ...]
    facts: dict[str, object]
    obligations: tuple[Obligation, ...]
    causes: tuple[str, ...]
    rules: str | None
    registry: int | None
    commitments: dict[str, Commitment]


_decoder = msgspec.json.Decoder(_Leaf)


def encode_entry(entry: Entry) -> bytes:
    """Return the canonical bytes of an entry: what is hashed into the tree and kept for ever.

    ``facts`` must already have been accepted by ``canonical_bytes``. Raises InvalidInput when the leaf would be
    larger than 65,535 bytes.
    """
    # Everything but `facts` holds only strings and integers under ASCII names, so the fast serialiser's sorted
    # output is the canonical form; `facts` is checked where it enters. Dataclasses are spelled out as objects
    # because the serialiser sorts only the keys of dictionaries.
    leaf = orjson.dumps(
        {
            "format": ENTRY_FORMAT,
            "position": entry.position,
            "id": entry.id,
            "type": entry.type,
            "time": entry.time,
            "agency": entry.agency,
            "key": entry.key,
            "subjects": [
                {
                    "ref": subject.ref,
                    "version": subject.version,
                    "roles": [{"role": fact.role, "authority": fact.authority} for fact in subject.roles],
                }
                for subject in entry.subjects
            ],
            "facts": entry.facts,
            "obligations": [
                {
                    "id": owed.id,
                    "recipient": owed.recipient,
                    "reasons": owed.reasons,
                    "urgency": owed.urgency,
                    "due_at": owed.due_at,
                    "calendar": owed.calendar,
                    "clock_start": owed.clock_start,
                }
                for owed in entry.obligations
            ],
            "causes": entry.causes,
            "rules": entry.rules,
            "registry": entry.registry,
            "commitments": {
                name: {"sha256": made.sha256, "ciphertext_sha256": made.ciphertext_sha256}
                for name, made in entry.commitments.items()
            },
        },
        option=orjson.OPT_SORT_KEYS,
    )
    if len(leaf) > LARGEST_LEAF_BYTES:
        raise InvalidInput("the entry would be larger than 65,535 bytes")
    return leaf


def parse_entry(leaf: bytes) -> Entry:
    """Return the entry that stored bytes hold.

    Raises InvalidInput unless they are a whole entry of a known format in canonical form.
    """
    try:
        parsed = _decoder.decode(leaf)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("the bytes are not an entry of this ledger's format") from error
    if parsed.format != ENTRY_FORMAT:
        raise InvalidInput("the entry's format version is not known here; upgrade before reading it")
    entry = Entry(
        position=Position(parsed.position),
        id=EntryId(parsed.id),
        type=parsed.type,
        time=parsed.time,
        agency=AgencyId(parsed.agency) if parsed.agency is not None else None,
        key=KeyThumbprint(parsed.key) if parsed.key is not None else None,
        subjects=parsed.subjects,
        facts=cast(Mapping[str, Json], parsed.facts),
        obligations=parsed.obligations,
        causes=tuple(EntryId(cause) for cause in parsed.causes),
        rules=parsed.rules,
        registry=Position(parsed.registry) if parsed.registry is not None else None,
        commitments=parsed.commitments,
    )
    if canonical_bytes(cast(Json, orjson.loads(leaf))) != leaf:
        raise InvalidInput("the entry's bytes are not in canonical form")
    return entry
