"""Reading a child's chronology: proven, judged, opened, put on the record, and only then shown (G12)."""

from collections.abc import Callable, Sequence
from typing import Protocol

from services.ledger.as_recorded import check_recorded
from services.ledger.open_section import Revealed
from services.ledger.ports import HashedEntry
from services.ledger.reading.chronology import BODY, ContentIs, View, view_of
from services.ledger.reading.part_in_case import NowNamed, case_of
from services.ledger.reading.prove_reader import ReaderProver
from services.ledger.reading.record_look import Look, LookRecorder
from shared.entries import Entry, parse_entry
from shared.errors import NotFound
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.audit_messages import Verification
from shared.ledger.reading_messages import Chronology, EntryShown, ReadChronology
from shared.vocabulary import EntryType

LARGEST_PAGE = 100
LARGEST_CONTENT_BYTES = 1024 * 1024
"""A page ends with the entry by which its content is larger than this."""


class ChildEntries(Protocol):
    """Where a child's entries are read from."""

    async def hashed_child_entries(self, ref: ChildRef) -> Sequence[HashedEntry]:
        """Return every entry about a child, with the hash that stands beside each, in order."""
        ...


class HeldAgainst(Protocol):
    """What was published, which stored entries are held against."""

    async def verification(self, told: Sequence[HashedEntry]) -> Verification:
        """Return how far entries are proven. Raises LedgerDamaged when one is not the one that was published."""
        ...


class Reveals(Protocol):
    """Opens sealed sections for whoever records the opening before showing anything."""

    async def reveal(self, entry_id: EntryId, section: str) -> Revealed:
        """Return a section in plain. Raises NotFound when it never was or has been erased."""
        ...


def no_such_child() -> NotFound:
    """Return the one answer to who has no part in a case, and to who asks for a child that nobody knows."""
    return NotFound("there is no child of that reference in whose case you have a part")


class ChronologyReader:
    """Reads chronologies for agencies."""

    def __init__(
        self,
        *,
        entries: ChildEntries,
        published: HeldAgainst,
        opener: Reveals,
        prover: ReaderProver,
        recorder: LookRecorder,
        now_named: Callable[[], NowNamed],
    ) -> None:
        self._entries = entries
        self._published = published
        self._opener = opener
        self._prover = prover
        self._recorder = recorder
        self._now_named = now_named

    async def read(self, asked: ReadChronology) -> Chronology:
        """Return a page of what the reader may see; that they looked is durable before this returns.

        Who may read, and what, is judged as of now, whatever moment is asked about: a role that ended opens nothing by
        asking as at its days, and one that begins sees what came before it. Raises NotFound to who has no part in the
        case, as for a child that is not there, and what the prover and the record of the look raise; LedgerDamaged,
        to nobody else, when an entry is not what was recorded or published.
        """
        reader = await self._prover.prove(asked.signed)
        stored = await self._entries.hashed_child_entries(asked.child)
        entries = [parse_entry(each.leaf) for each in stored]
        view = view_of(case_of(asked.child, entries), reader, now_named=self._now_named())
        if not view.has_part:
            raise no_such_child()
        check_recorded(stored)
        then = [entry for entry in entries if entry.time <= asked.as_at]
        page = _Page(view, asked)
        case_then = case_of(asked.child, then)
        for entry in (each for each in case_then.entries.values() if each.position > asked.after):
            if view.sees(entry) and not await page.add(entry, self._opener):
                break
        told = {entry.position for entry, _, _ in page.entries}
        await self._published.verification([each for each in stored if each.position in told])
        position = await self._recorder.record(page.look())
        shown = tuple(
            view.shown(entry, content=content, content_is=content_is, then=case_then)
            for entry, content, content_is in page.entries
        )
        return page.chronology(shown, position)


class _Page:
    """One page being filled."""

    def __init__(self, view: View, asked: ReadChronology) -> None:
        self._view = view
        self._asked = asked
        self._limit = max(1, min(asked.limit, LARGEST_PAGE))
        self._size_bytes = 0
        self._is_last = True
        self.entries: list[tuple[Entry, bytes | None, ContentIs]] = []

    async def add(self, entry: Entry, opener: Reveals) -> bool:
        """Take an entry with what is shown of it; False, and not taken, when the page is full."""
        if len(self.entries) >= self._limit or self._size_bytes > LARGEST_CONTENT_BYTES:
            self._is_last = False
            return False
        content, content_is = await self._content(entry, opener)
        self._size_bytes += len(content or b"")
        self.entries.append((entry, content, content_is))
        return True

    async def _content(self, entry: Entry, opener: Reveals) -> tuple[bytes | None, ContentIs]:
        if BODY not in entry.commitments:
            return None, ContentIs.NONE
        if not self._view.opens(entry):
            return None, ContentIs.NOT_SHOWN
        try:
            revealed = await opener.reveal(entry.id, BODY)
        except NotFound:
            return None, ContentIs.ERASED
        return self._view.sight_of(entry).of(revealed.content), ContentIs.SHOWN

    def look(self) -> Look:
        """Return the look that the page is, to be recorded before it is shown."""
        opened = tuple(entry.id for entry, _, content_is in self.entries if content_is is ContentIs.SHOWN)
        return Look(
            EntryType.CHRONOLOGY_READ,
            self._asked.child,
            opened,
            {
                "caller": "reader",
                "purpose": "chronology",
                "section": BODY if opened else "none",
                "as_at": self._asked.as_at,
                "shown": len(self.entries),
                "roles": sorted(self._view.roles),
            },
            self._asked.signed,
        )

    def chronology(self, shown: tuple[EntryShown, ...], recorded_at: Position) -> Chronology:
        """Return the page as it leaves."""
        return Chronology(
            child=self._asked.child,
            as_at=self._asked.as_at,
            roles=tuple(sorted(self._view.roles)),
            responsible=self._view.case.responsible if self._view.holds_case else None,
            entries=shown,
            next_after=None if self._is_last else self.entries[-1][0].position,
            recorded_at_position=recorded_at,
        )
