"""What of a child's case is shown to whom: the whole to who holds a duty to the child, their own part to others.

An authority with a duty to the child sees everything but what was withheld or told by agreement alone. Who only
recorded something, or was told, sees that and what followed from it: nobody learns where a child is, or who else knows
of it, by sending a share of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.ledger.reading.need_to_see import Sight, needs_of_roles, needs_of_told
from services.ledger.reading.part_in_case import HOLDS_CASE, Case, NowNamed, Reader, told, told_in_detail
from shared.entries import Entry, Obligation
from shared.entry_types import AMENDMENT_TYPES, CONTENT_TYPES, WITHHOLDING_TYPES, Is, types_that_are
from shared.identifiers import EntryId, Position, entry_of
from shared.ledger.reading_messages import EntryShown, NotificationShown
from shared.vocabulary import EntryType

BODY = "body"
_STEPS = types_that_are(Is.TELLING)
_SHOWN = CONTENT_TYPES | WITHHOLDING_TYPES | _STEPS | {EntryType.CHILD_MOVE_SUSPECTED, EntryType.ERASURE_RECORDED}
"""What a chronology is made of. Who looked is for auditors."""

_TELLS_OF_THE_RECORD_BEHIND = AMENDMENT_TYPES - {EntryType.RECORD_RETRACTED} | {
    EntryType.CHILD_MOVE_SUSPECTED,
    EntryType.QUEUE_RESOLVED,
}


_FOR_AUDITORS = frozenset(
    {
        *("owner", "proposed_by", "approved_by", "carried_out_by", "proposal", "approvals"),
        *("endpoint", "attempt", "settles"),
    }
)
"""Codes that say who at the operator, or which machine, did something; or that a share follows on a withholding."""


class ContentIs(StrEnum):
    """What a chronology gives of an entry's content, or why nothing."""

    SHOWN = "shown"
    NOT_SHOWN = "not_shown"
    ERASED = "erased"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class View:
    """What one reader sees of one case. ``case`` is as of now, and so is the reader's part in it."""

    case: Case
    reader: Reader
    roles: frozenset[str]
    told_later: Mapping[EntryId, Position]

    @property
    def holds_case(self) -> bool:
        """Whether the reader's authority has a duty to the child itself."""
        return bool(self.roles & HOLDS_CASE)

    @property
    def has_part(self) -> bool:
        """Whether the reader has any part in the case; for who has none, it is as though there were no such child."""
        return self.holds_case or any(self._is_own(entry) or self._was_told(entry) for entry in self._all())

    def sees(self, entry: Entry) -> bool:
        """Return whether the reader is shown that an entry is there."""
        if entry.type not in _SHOWN:
            return False
        if self._is_own(entry) or self._was_told(entry) or self._is_step_of_own(entry):
            return True
        if self._was_told_later(entry):
            return True
        return self.holds_case and not self.case.is_closed(entry)

    def opens(self, entry: Entry) -> bool:
        """Return whether the reader is shown what an entry says, apart from what is protected.

        What was taken back is read again by nobody but who recorded it; that it was taken back is shown.
        """
        if BODY not in entry.commitments or not self.sees(entry):
            return False
        if self._is_own(entry):
            return True
        if self.case.is_retracted(entry) and entry.type in CONTENT_TYPES - {EntryType.RECORD_RETRACTED}:
            return False
        if told_in_detail(entry, self.reader.names) or self._was_told_later(entry):
            return True
        return self.holds_case and not self.case.is_closed(entry)

    def sight_of(self, entry: Entry) -> Sight:
        """Return what of an entry's content the reader may see."""
        # Whoever was sent to a child needs to hear also from a later correction where it is.
        mine = self.case.owed_of(entry, self.reader.names)
        return Sight(
            needs=needs_of_roles(self.roles) | needs_of_told(mine, about_a_child=True),
            assumed=frozenset(self.case.protections),
            whole=self._is_own(entry),
        )

    def shown(self, entry: Entry, *, content: bytes | None, content_is: ContentIs, then: Case) -> EntryShown:
        """Return an entry as the reader is shown it. ``then`` is the case as at the moment that is asked about."""
        return EntryShown(
            id=entry.id,
            type=entry.type,
            position=entry.position,
            time=entry.time,
            agency=entry.agency,
            about=tuple(cause for cause in entry.causes if self._sees_id(cause)),
            codes={name: value for name, value in entry.facts.items() if name not in _FOR_AUDITORS},
            notifications=tuple(_notification(owed, entry, then) for owed in self._shown_of(entry)),
            content=content,
            content_is=content_is.value,
        )

    def _all(self) -> tuple[Entry, ...]:
        return tuple(self.case.entries.values())

    def _sees_id(self, entry_id: EntryId) -> bool:
        entry = self.case.entries.get(entry_id)
        return entry is not None and self.sees(entry)

    def _is_own(self, entry: Entry) -> bool:
        return entry.type in _SHOWN and entry.agency == self.reader.agency

    def _was_told(self, entry: Entry) -> bool:
        return told(entry, self.reader.names)

    def _is_step_of_own(self, entry: Entry) -> bool:
        """Whether an entry says how far a notification came that is the reader's, or tells of the reader's record."""
        obligation = entry.facts.get("obligation")
        if entry.type not in _STEPS or not isinstance(obligation, str):
            return False
        if entry.facts.get("recipient") in self.reader.names:
            return True
        from_entry = self.case.entries.get(entry_of(obligation))  # type: ignore[arg-type]  # it is one, by its type
        return from_entry is not None and self._is_own(from_entry) and from_entry.type in CONTENT_TYPES

    def _was_told_later(self, entry: Entry) -> bool:
        """Whether the reader was told what an entry says by a later one: a move, an amendment, a person's decision."""
        told_at = self.told_later.get(self.case.roots[entry.id])
        return entry.type in CONTENT_TYPES and told_at is not None and entry.position < told_at

    def _shown_of(self, entry: Entry) -> tuple[Obligation, ...]:
        """Return who was told because of an entry: everybody, or only the reader if it merely was told."""
        everybody = self._is_own(entry) or (self.holds_case and not self.case.is_closed(entry))
        return tuple(owed for owed in entry.obligations if everybody or owed.recipient in self.reader.names)


def view_of(case: Case, reader: Reader, *, now_named: NowNamed) -> View:
    """Return what a reader sees of a case."""
    told_later: dict[EntryId, Position] = {}
    for entry in case.entries.values():
        # What was withheld is passed on by a person's decision alone.
        tells = {EntryType.QUEUE_RESOLVED} if case.is_closed(entry) else _TELLS_OF_THE_RECORD_BEHIND
        if entry.type in tells and told_in_detail(entry, reader.names):
            told_later[case.roots[entry.id]] = entry.position
    return View(case, reader, case.roles_of(reader.names, now_named=now_named), told_later)


def _notification(owed: Obligation, entry: Entry, then: Case) -> NotificationShown:
    reached = then.state.told[owed.id]
    return NotificationShown(
        id=owed.id,
        recipient=owed.recipient,
        reasons=owed.reasons,
        urgency=owed.urgency,
        due_at=owed.due_at,
        state=reached.state,
        since=then.times.get(reached.position, entry.time),
    )
