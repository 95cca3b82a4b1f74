"""Replaying the ledger: entries in order, and the state they add up to at any moment."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from services.ledger.domain.ladder import SETTLED, highest, steps_of
from shared.entries import Entry
from shared.entry_types import AMENDMENT_TYPES, CONTENT_TYPES
from shared.identifiers import AuthorityCode, ChildRef, EntryId, ObligationId, Recipient
from shared.vocabulary import EntryType, LadderState


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries to show. ``as_at`` (RFC 3339, UTC) leaves out what was recorded later."""

    as_at: str | None = None
    child: str | None = None
    agency: str | None = None
    authority: str | None = None
    type: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Return whether an entry is one of those selected."""
        return (
            (self.child is None or any(subject.ref == self.child for subject in entry.subjects))
            and (self.agency is None or entry.agency == self.agency)
            and (self.type is None or entry.type == self.type)
            and (self.authority is None or self.authority in _authorities(entry))
        )

    def is_over(self, entry: Entry) -> bool:
        """Return whether an entry is later than the moment asked for."""
        return self.as_at is not None and entry.time > self.as_at


@dataclass(slots=True)
class Told:
    """One recipient told because of one entry: how far it came, and the position of the entry that says so."""

    recipient: Recipient
    because_of: int
    reasons: tuple[str, ...]
    due_at: str
    children: tuple[ChildRef, ...]
    state: str = LadderState.OWED.value
    position: int = -1


@dataclass(slots=True)
class CaseState:
    """What the ledger says of one child: decisions, who was told, and who is responsible.

    ``responsible`` is the authority that first owned a concern by a signed acknowledgement. Only a signed acceptance
    would change it (G14): no report of whereabouts and no suspected move does. ``corrected``, ``retracted``,
    ``disputed`` and ``consent_withdrawn`` say, for the position of a record, by which entries; the record itself stands
    as it was.
    ``erased`` is where what was sealed about the child until then was destroyed.
    """

    child: ChildRef
    shares: list[int] = field(default_factory=list)
    withholdings: list[int] = field(default_factory=list)
    moves: list[tuple[int, tuple[str, ...], str]] = field(default_factory=list)
    openings: int = 0
    roles: dict[str, AuthorityCode] = field(default_factory=dict)
    responsible: AuthorityCode | None = None
    records: dict[EntryId, int] = field(default_factory=dict)
    corrected: dict[int, int] = field(default_factory=dict)
    retracted: dict[int, int] = field(default_factory=dict)
    disputed: dict[int, list[int]] = field(default_factory=dict)
    consent_withdrawn: dict[int, list[int]] = field(default_factory=dict)
    erased: int | None = None


@dataclass(slots=True)
class ReplayedState:
    """Everything the entries up to a position add up to."""

    position: int = -1
    time: str = ""
    cases: dict[ChildRef, CaseState] = field(default_factory=dict)
    told: dict[ObligationId, Told] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """Add one entry. Entries are taken in position order."""
        self.position, self.time = entry.position, entry.time
        for owed in entry.obligations:
            children = tuple(subject.ref for subject in entry.subjects)
            self.told[owed.id] = Told(owed.recipient, entry.position, owed.reasons, owed.due_at, children)
        told = None
        for step in steps_of(entry):
            told = self.told.get(step.obligation)
            if told is not None and highest({told.state, step.state}) != told.state:
                told.state, told.position = step.state, entry.position
        for subject in entry.subjects:
            case = self.cases.setdefault(subject.ref, CaseState(subject.ref))
            for fact in subject.roles:
                case.roles[fact.role] = fact.authority
            _note(case, entry, told)

    def owed(self) -> Mapping[ObligationId, Told]:
        """Return what is not yet received (G5)."""
        return {name: told for name, told in self.told.items() if told.state not in SETTLED}


async def replay(entries: AsyncIterator[Entry], *, selection: Selection) -> AsyncIterator[Entry]:
    """Yield the selected entries in order, one at a time: nothing is held, however long the ledger."""
    async for entry in entries:
        if selection.is_over(entry):
            return
        if selection.takes(entry):
            yield entry


async def replay_state(entries: AsyncIterator[Entry], *, as_at: str | None = None) -> ReplayedState:
    """Return what the entries up to a moment (RFC 3339, UTC; None for all) add up to."""
    state, upto = ReplayedState(), Selection(as_at=as_at)
    async for entry in replay(entries, selection=upto):
        state.take(entry)
    return state


def _note(case: CaseState, entry: Entry, told: Told | None) -> None:
    if entry.type in CONTENT_TYPES:
        case.records[entry.id] = entry.position
    if entry.type in AMENDMENT_TYPES:
        _amend(case, entry)
    match entry.type:
        case EntryType.ERASURE_RECORDED:
            case.erased = entry.position
        case EntryType.SHARE_RECORDED:
            case.shares.append(entry.position)
        case EntryType.WITHHOLDING_RECORDED:
            case.withholdings.append(entry.position)
        case EntryType.CONTENT_OPENED | EntryType.CHRONOLOGY_READ:
            case.openings += 1
        case EntryType.CHILD_MOVE_SUSPECTED:
            left, to = entry.facts.get("from"), entry.facts.get("to")
            origins = tuple(str(code) for code in left) if isinstance(left, list) else ()
            case.moves.append((entry.position, origins, str(to)))
        case EntryType.NOTIFICATION_OWNED if told is not None and case.responsible is None:
            kind, _, code = told.recipient.partition(":")
            if kind == "authority":
                case.responsible = AuthorityCode(code)
        case _:
            return


def _amend(case: CaseState, entry: Entry) -> None:
    for position in (case.records[cause] for cause in entry.causes if cause in case.records):
        match entry.type:
            case EntryType.RECORD_CORRECTED:
                case.corrected[position] = entry.position
            case EntryType.RECORD_RETRACTED:
                case.retracted[position] = entry.position
            case EntryType.RECORD_DISPUTED:
                case.disputed.setdefault(position, []).append(entry.position)
            case _:
                case.consent_withdrawn.setdefault(position, []).append(entry.position)


def _authorities(entry: Entry) -> set[str]:
    named = {str(fact.authority) for subject in entry.subjects for fact in subject.roles}
    named |= {owed.recipient.partition(":")[2] for owed in entry.obligations}
    recipient = entry.facts.get("recipient")
    if isinstance(recipient, str):
        named.add(recipient.partition(":")[2])
    return named
