"""Who knew what about a child at a moment: the question that every practice review asks, folded from entries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from services.ledger.audit.damage import damaged
from services.ledger.audit.replay import ReplayedState
from services.ledger.domain.ladder import steps_of
from shared.clock import rfc3339
from shared.entries import Entry, Obligation
from shared.entry_types import LOOK_TYPES
from shared.identifiers import ChildRef, EntryId, ObligationId, Position
from shared.ledger.audit_messages import (
    ChangeKnown,
    DecisionKnown,
    LookKnown,
    MoveKnown,
    StepKnown,
    SuspectKnown,
    TellingKnown,
    Verification,
    WhoKnew,
)
from shared.ledger.facts import read_facts
from shared.ledger.key_standing import Standing, standing_of
from shared.ledger.registry import Registry
from shared.ledger.stewardship import SCOPE_ENTRY, ErasureFacts
from shared.vocabulary import EntryType

_DECISIONS = {
    EntryType.SHARE_RECORDED: "shared",
    EntryType.WITHHOLDING_RECORDED: "withheld",
    EntryType.WHEREABOUTS_REPORTED: "reported whereabouts",
    EntryType.HOUSING_NOTICE_RECORDED: "gave notice of housing",
}

_CHANGES = {
    EntryType.RECORD_CORRECTED: "corrected",
    EntryType.RECORD_RETRACTED: "took back",
    EntryType.RECORD_DISPUTED: "disputed",
    EntryType.CONSENT_WITHDRAWN: "recorded that consent was withdrawn for",
    EntryType.WITHHOLDING_REVIEWED: "reviewed",
    EntryType.WITHHOLDING_REOPENED: "reopened",
    EntryType.WITHHOLDING_REVIEW_OVERDUE: "found nobody to have reviewed",
}


NO_REGISTRY = Registry()
"""Where nothing is known of any key, and so none is suspect."""

UNVERIFIED = Verification()
"""Of entries that nobody has held against anything."""


@dataclass(slots=True)
class _Telling:
    """One recipient to be told, as the entries say one by one."""

    because_of: Entry
    owed: Obligation
    steps: list[StepKnown] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """What has been folded so far."""

    child: ChildRef
    entries: int = 0
    positions: dict[EntryId, Position] = field(default_factory=dict)
    decisions: list[DecisionKnown] = field(default_factory=list)
    tellings: dict[ObligationId, _Telling] = field(default_factory=dict)
    looks: list[LookKnown] = field(default_factory=list)
    moves: list[MoveKnown] = field(default_factory=list)
    changes: list[ChangeKnown] = field(default_factory=list)
    about_it_alone: set[Position] = field(default_factory=set)
    erased: dict[Position, Position] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        version = next((subject.version for subject in entry.subjects if subject.ref == self.child), None)
        if version is None:
            self._take_range_opened(entry)
            return
        self.entries += 1
        if version != self.entries:
            raise damaged(f"entry {entry.position} is number {version} about the child, not {self.entries}")
        self.positions[entry.id] = entry.position
        if len(entry.subjects) == 1:
            self.about_it_alone.add(entry.position)
        for owed in entry.obligations:
            self.tellings[owed.id] = _Telling(entry, owed)
        kind = _DECISIONS.get(entry.type)
        if kind is not None:
            self.decisions.append(DecisionKnown(entry.position, entry.time, kind, entry.agency, dict(entry.facts)))
        elif entry.type in _CHANGES:
            self.changes.extend(
                ChangeKnown(
                    entry.position,
                    entry.time,
                    _CHANGES[entry.type],
                    entry.agency,
                    self.positions[cause],
                    codes=dict(entry.facts),
                )
                for cause in entry.causes[:1]
                if cause in self.positions
            )
        elif entry.type is EntryType.ERASURE_RECORDED:
            self._take_erasure(entry)
        elif entry.type is EntryType.CHILD_MOVE_SUSPECTED:
            self.moves.append(_move(entry))
        elif entry.type is EntryType.CONTENT_OPENED:
            opened = next((self.positions[cause] for cause in entry.causes if cause in self.positions), None)
            self.looks.append(_look(entry, of=None if opened is None else (opened, opened)))
        elif entry.type in LOOK_TYPES:
            opened_by_it = [self.positions[cause] for cause in entry.causes if cause in self.positions]
            self.looks.extend(_look(entry, of=(position, position)) for position in opened_by_it)
            if not opened_by_it:
                self.looks.append(_look(entry, of=None))
        for step in steps_of(entry):
            telling = self.tellings.get(step.obligation)
            if telling is not None:
                telling.steps.append(StepKnown(step.state, entry.position, entry.time, step.owner))

    def _take_erasure(self, entry: Entry) -> None:
        facts = read_facts(entry, ErasureFacts)
        of, gone = None, self.about_it_alone - {entry.position}
        if facts.target.scope == SCOPE_ENTRY and facts.target.entry is not None:
            of = self.positions.get(facts.target.entry)
            gone = set() if of is None else {of}
        self.erased = {**dict.fromkeys(gone, entry.position), **self.erased}
        self.changes.append(
            ChangeKnown(
                entry.position,
                entry.time,
                "erased",
                facts.proposed_by,
                of,
                approved_by=facts.approved_by,
                carried_out_by=facts.carried_out_by,
                codes={"authority": facts.authority, "reason": facts.reason},
            )
        )

    def _take_range_opened(self, entry: Entry) -> None:
        """Add an opening of a whole range of entries, if any of it was about the child."""
        first, last = entry.facts.get("first_position"), entry.facts.get("last_position")
        if entry.type is not EntryType.AUDIT_OPENED or not isinstance(first, int) or not isinstance(last, int):
            return
        if any(first <= position <= last for position in self.positions.values()):
            self.looks.append(_look(entry, of=(Position(first), Position(last))))


def who_knew(
    entries: Iterable[Entry],
    *,
    child: ChildRef,
    as_at: str,
    registry: Registry = NO_REGISTRY,
    verification: Verification = UNVERIFIED,
) -> WhoKnew:
    """Return what the ledger held about a child at a moment.

    ``entries`` are in position order and hold at least all the child's; others do no harm. Whatever was recorded after
    ``as_at`` is left out; only which signatures are suspect is said as is known now, by the latest ``registry``. Raises
    IntegrityFailure when one of the child's entries was left out: they are numbered.
    """
    known, state, suspects = _Known(child), ReplayedState(), list[SuspectKnown]()
    for entry in entries:
        if entry.time > as_at:
            break
        known.take(entry)
        state.take(entry)
        if entry.id in known.positions:
            suspects.extend(_suspect(entry, registry))
    case = state.cases.get(child)
    return WhoKnew(
        verification=verification,
        child=child,
        as_at=as_at,
        entries=known.entries,
        roles=dict(case.roles) if case is not None else {},
        responsible=case.responsible if case is not None else None,
        decisions=tuple(replace(each, erased_at=known.erased.get(each.position)) for each in known.decisions),
        told=tuple(_told(telling, state) for telling in known.tellings.values()),
        looks=tuple(known.looks),
        moves=tuple(known.moves),
        changes=tuple(
            each if each.of is None else replace(each, of_erased_at=known.erased.get(each.of)) for each in known.changes
        ),
        suspects=tuple(suspects),
    )


def _suspect(entry: Entry, registry: Registry) -> Iterator[SuspectKnown]:
    if entry.key is None or standing_of(entry, registry) is not Standing.SUSPECT:
        return
    since = registry.keys[entry.key].compromised_from
    if since is not None:
        yield SuspectKnown(entry.position, rfc3339(since))


def _told(telling: _Telling, state: ReplayedState) -> TellingKnown:
    owed = telling.owed
    return TellingKnown(
        notification=owed.id,
        recipient=owed.recipient,
        because_of=telling.because_of.position,
        owed_since=telling.because_of.time,
        reasons=owed.reasons,
        urgency=owed.urgency,
        due_at=owed.due_at,
        state=state.told[owed.id].state,
        steps=tuple(telling.steps),
    )


def _look(entry: Entry, *, of: tuple[Position, Position] | None) -> LookKnown:
    recipient, person = entry.facts.get("recipient"), entry.facts.get("by")
    return LookKnown(
        position=entry.position,
        time=entry.time,
        by=str(entry.agency or entry.facts.get("caller")) + (f" {person}" if isinstance(person, str) else ""),
        recipient=recipient if isinstance(recipient, str) else None,
        section=str(entry.facts.get("section")),
        purpose=str(entry.facts.get("purpose")),
        of=of,
    )


def _move(entry: Entry) -> MoveKnown:
    origins = entry.facts.get("from")
    return MoveKnown(
        position=entry.position,
        time=entry.time,
        origins=tuple(str(code) for code in origins) if isinstance(origins, list) else (),
        to=str(entry.facts.get("to")),
        role=str(entry.facts.get("role")),
        permanence=str(entry.facts.get("permanence")),
    )
