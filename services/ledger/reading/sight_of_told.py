"""What of a record somebody may see who is told of it, judged from entries that are as they were recorded.

Whoever changes the database could otherwise unsay that a child is protected, and have its refuge sent.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog

from services.ledger.audit.damage import LedgerDamaged, damaged
from services.ledger.ports import HashedEntry
from services.ledger.proven_entries import ProvenEntries
from services.ledger.reading.need_to_see import Sight, needs_of_roles, needs_of_told
from services.ledger.reading.part_in_case import NowNamed, case_of
from shared.entries import Entry, Obligation, parse_entry
from shared.errors import InvalidInput
from shared.identifiers import ChildRef, EntryId, agency_recipient, entry_of
from shared.ledger.messages import OpenSection
from shared.protection import Protection

log = structlog.get_logger()

UNSURE = frozenset({Protection.UNKNOWN})
"""How a child is taken to be protected whose entries cannot be relied on: as closely as any."""

LEAST = Sight(frozenset(), UNSURE)
"""Nothing that is protected in any way, or might be."""


class Histories(Protocol):
    """Where entries are read from with the hashes stored beside them."""

    async def entry(self, entry_id: EntryId) -> HashedEntry:
        """Return an entry by id. Raises NotFound."""
        ...

    async def child_entries(self, ref: ChildRef) -> Sequence[HashedEntry]:
        """Return every entry about a child, in order."""
        ...


class SightOfTold:
    """Judges what is seen by whom the exchange tells.

    Where an entry is not as it was recorded or published, the concern still reaches whom it is for, without all that
    is or might be protected; that is alarmed in the log. Only what the entry that owes it says, which is checked by
    itself, lets somebody see more then.
    """

    def __init__(self, entries: Histories, proven: ProvenEntries, *, now_named: Callable[[], NowNamed]) -> None:
        self._entries = entries
        self._proven = proven
        self._now_named = now_named

    async def judge(self, asked: OpenSection) -> Sight:
        """Return what of an entry its recipient may see, by the entry that owes it: the same on every attempt.

        Raises NotFound when there is no such entry.
        """
        opened = await self._entries.entry(asked.entry_id)
        owing = opened if asked.obligation is None else await self._entries.entry(entry_of(asked.obligation))
        told = await self._checked((opened, owing))
        if told is None:
            return LEAST
        return await self._judge(asked, *told)

    async def _judge(self, asked: OpenSection, entry: Entry, owing: Entry) -> Sight:
        if entry.agency is not None and asked.recipient == agency_recipient(entry.agency):
            return Sight(frozenset(), frozenset(), whole=True)
        owed = [each for each in owing.obligations if each.id == asked.obligation and each.recipient == asked.recipient]
        if not entry.subjects:
            return Sight(needs_of_told(owed, about_a_child=False), frozenset())
        child = entry.subjects[0].ref
        stored = [each for each in await self._entries.child_entries(child) if each.position <= owing.position]
        history = await self._checked(stored, child=child, lasts_to=(entry, owing))
        if history is None:
            return Sight(needs_of_told(owed, about_a_child=True), UNSURE)
        return self._sight(entry, owed, child, history)

    def _sight(self, entry: Entry, owed: Sequence[Obligation], child: ChildRef, history: Iterable[Entry]) -> Sight:
        case = case_of(child, history)
        needs: frozenset[Protection] = frozenset()
        if owed:
            names = frozenset({owed[0].recipient})
            told = case.owed_of(entry, names)
            needs = needs_of_roles(case.roles_of(names, now_named=self._now_named()))
            needs |= needs_of_told(told, about_a_child=True)
        return Sight(needs, frozenset(case.protections))

    async def _checked(
        self, stored: Sequence[HashedEntry], *, child: ChildRef | None = None, lasts_to: Sequence[Entry] = ()
    ) -> list[Entry] | None:
        """Return what entries say; None when one of them, or of a child's, is missing or not as it was recorded."""
        try:
            await self._proven.check(stored)
            entries = [parse_entry(each.leaf) for each in stored]
            if child is not None:
                _check_complete(entries, child, lasts_to=lasts_to)
        except (LedgerDamaged, InvalidInput) as error:
            log.error("told_without_what_is_protected", integrity_failure=True, detail=error.detail)
            return None
        return entries


def _check_complete(entries: Iterable[Entry], child: ChildRef, *, lasts_to: Sequence[Entry]) -> None:
    """Raise LedgerDamaged unless a child's entries are numbered without gaps, up to those that must be among them."""
    versions = [each.version for entry in entries for each in entry.subjects if each.ref == child]
    last = max(each.version for entry in lasts_to for each in entry.subjects if each.ref == child)
    if versions != [*range(1, len(versions) + 1)] or len(versions) < last:
        raise damaged(f"one of the entries about a child, up to its number {last}, is missing")
