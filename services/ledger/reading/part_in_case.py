"""Who has which part in a child's case, folded from its entries: the roles of authorities, who recorded, who was told.

A part is judged as of the last entry folded. What grants one is what an agency told of the child: never a withholding,
which nobody may learn of by being let in, and never a record that was taken back.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from services.ledger.audit.replay import ReplayedState
from shared.entries import Entry, Obligation
from shared.entry_types import RECORD_TYPES, WITHHOLDING_TYPES
from shared.identifiers import (
    AgencyId,
    AuthorityCode,
    ChildRef,
    EntryId,
    Recipient,
    agency_recipient,
    authority_recipient,
)
from shared.protection import Protection
from shared.vocabulary import PLACED_BY_A_PERSON, WITHOUT_DETAIL, AuthorityRole, EntryType

RESPONSIBLE = "responsible"
"""The role of the authority that first owned a concern by a signed acknowledgement (G14)."""

HOLDS_CASE = frozenset(
    {
        RESPONSIBLE,
        AuthorityRole.LIVING_AT.value,
        AuthorityRole.FOUND_AT.value,
        AuthorityRole.ORDINARILY_RESIDENT.value,
        AuthorityRole.LOOKED_AFTER_BY.value,
        AuthorityRole.PLACED_IN.value,
        AuthorityRole.PLAN_HELD_BY.value,
        AuthorityRole.COURT_DESIGNATED.value,
        AuthorityRole.DETAINED_IN.value,
    }
)
"""Roles with duties to the child itself (Children Act 1989 s.17, s.22, s.47). Schooling and the area of a place that
several children share have none: who has only those sees what it was told."""

_WHERE_IT_IS = frozenset({AuthorityRole.LIVING_AT.value, AuthorityRole.FOUND_AT.value, AuthorityRole.PLACED_IN.value})

_AUTHORITY = authority_recipient(AuthorityCode(""))

CLOSED_TYPES = frozenset({EntryType.WITHHOLDING_RECORDED, EntryType.HOUSING_NOTICE_RECORDED})
"""Records for nobody but who made them and whom they name: what was withheld, and what was told by agreement alone."""

NowNamed = Callable[[AuthorityCode], AuthorityCode]
"""Takes an authority's code to the one in force today, so that a role outlives a council's abolition."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: an agency, and whom it acts for, if anybody."""

    agency: AgencyId
    acts_for: Recipient | None

    @property
    def names(self) -> frozenset[Recipient]:
        """The recipients that are this reader."""
        own = {agency_recipient(self.agency)}
        return frozenset(own | ({self.acts_for} if self.acts_for is not None else set()))


@dataclass(slots=True)
class Case:
    """A child's entries folded in position order, as far as they say who may see what."""

    child: ChildRef
    state: ReplayedState = field(default_factory=ReplayedState)
    entries: dict[EntryId, Entry] = field(default_factory=dict)
    roots: dict[EntryId, EntryId] = field(default_factory=dict)
    times: dict[int, str] = field(default_factory=dict)
    retracted: set[EntryId] = field(default_factory=set)
    protections: set[Protection] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Add one entry; one that is not about the child does no harm."""
        if not any(subject.ref == self.child for subject in entry.subjects):
            return
        self.entries[entry.id] = entry
        self.times[entry.position] = entry.time
        # What reopens a withholding has the share as its second cause: it follows from the withholding alone.
        cause = next((cause for cause in entry.causes[:1] if cause in self.roots), None)
        follows = cause is not None and entry.type not in RECORD_TYPES
        self.roots[entry.id] = self.roots[cause] if follows and cause is not None else entry.id
        if entry.type is EntryType.RECORD_RETRACTED:
            self.retracted.add(self.roots[entry.id])
        self.state.take(entry)
        self.protections |= _protections(entry)

    @property
    def responsible(self) -> AuthorityCode | None:
        """The authority that is responsible for the child, if any has signed for it."""
        state = self.state.cases.get(self.child)
        return state.responsible if state is not None else None

    def root(self, entry: Entry) -> Entry:
        """Return the record that an entry is, amends or follows from; itself when there is none."""
        return self.entries[self.roots[entry.id]]

    def is_closed(self, entry: Entry) -> bool:
        """Return whether an entry is, or follows from, a record for nobody but who made it and whom it names."""
        return entry.type in WITHHOLDING_TYPES or self.root(entry).type in CLOSED_TYPES

    def is_retracted(self, entry: Entry) -> bool:
        """Return whether an entry is, or follows from, a record that was taken back."""
        return self.roots[entry.id] in self.retracted

    def owed_of(self, entry: Entry, names: frozenset[Recipient]) -> tuple[Obligation, ...]:
        """Return what is owed to somebody of those names because of the record that an entry is or follows from."""
        root = self.roots[entry.id]
        family = (each for each in self.entries.values() if self.roots[each.id] == root)
        return tuple(owed for each in family for owed in each.obligations if owed.recipient in names)

    def roles(self) -> Mapping[str, AuthorityCode]:
        """Return the latest authority in each role, by what was told and not taken back.

        Among them whom a person passed the case on to as where the child is, until a record says where that is.
        """
        latest: dict[str, AuthorityCode] = {}
        for entry in self.entries.values():
            if self.is_retracted(entry):
                continue
            # To whom a person passed it is no secret from that authority, though it be what was withheld.
            latest |= _placed(entry)
            if self.is_closed(entry):
                continue
            for fact in (fact for subject in entry.subjects if subject.ref == self.child for fact in subject.roles):
                latest[fact.role] = fact.authority
                if fact.role in _WHERE_IT_IS:
                    latest.pop(PLACED_BY_A_PERSON, None)
        return latest

    def roles_of(self, names: frozenset[Recipient], *, now_named: NowNamed) -> frozenset[str]:
        """Return in which roles whoever bears those names stands to the child."""
        held = {RESPONSIBLE: self.responsible} if self.responsible is not None else {}
        held |= self.roles()
        return frozenset(
            role
            for role, authority in held.items()
            if authority is not None and authority_recipient(now_named(authority)) in names
        )


def case_of(child: ChildRef, entries: Iterable[Entry]) -> Case:
    """Return a child's case from entries in position order."""
    case = Case(child)
    for entry in entries:
        case.take(entry)
    return case


def told(entry: Entry, names: frozenset[Recipient]) -> bool:
    """Return whether an entry is owed to somebody of those names."""
    return any(owed.recipient in names for owed in entry.obligations)


def told_in_detail(entry: Entry, names: frozenset[Recipient]) -> bool:
    """Return whether an entry is owed to somebody of those names together with what it says."""
    return any(owed.recipient in names and owed.reasons != (WITHOUT_DETAIL,) for owed in entry.obligations)


def _placed(entry: Entry) -> dict[str, AuthorityCode]:
    placed = [owed.recipient for owed in entry.obligations if PLACED_BY_A_PERSON in owed.reasons]
    codes = [AuthorityCode(each.removeprefix(_AUTHORITY)) for each in placed if each.startswith(_AUTHORITY)]
    return {PLACED_BY_A_PERSON: codes[-1]} if codes else {}


def _protections(entry: Entry) -> set[Protection]:
    said = entry.facts.get("protected")
    kinds = {Protection(kind) for kind in said if kind in set(Protection)} if isinstance(said, list) else set()
    looked_after = any(
        fact.role == AuthorityRole.LOOKED_AFTER_BY.value for subject in entry.subjects for fact in subject.roles
    )
    return kinds | ({Protection.PLACEMENT} if looked_after else set())
