"""Every recorded look at what is sealed, as the entries say: who, when, why, and of which child and record (G12)."""

from collections.abc import AsyncIterator

import msgspec

from shared.entries import Entry
from shared.entry_types import LOOK_TYPES
from shared.identifiers import ChildRef, EntryId, Position
from shared.vocabulary import EntryType


class RecordedOpening(msgspec.Struct, frozen=True, kw_only=True):
    """One look: at ``section`` of ``entries``, or of every entry from the first to the last position of ``range``.

    ``section`` is ``none`` where nothing was opened. ``by`` is an agency, or the part of the exchange that opened it,
    for ``recipient`` if for somebody; ``account`` the person, where one is named. ``reason`` is that of a break-glass,
    whose words are sealed. ``children`` are those of whom it is; for a search that was answered with nobody, whom it
    would have found.
    """

    position: Position
    time: str
    type: EntryType
    by: str
    account: str | None
    recipient: str | None
    section: str
    purpose: str
    reason: str | None
    children: tuple[ChildRef, ...]
    entries: tuple[EntryId, ...]
    range: tuple[Position, Position] | None


async def openings(
    entries: AsyncIterator[Entry], *, since: str | None = None, child: ChildRef | None = None
) -> AsyncIterator[RecordedOpening]:
    """Yield the looks that ``entries``, all of them in order, say there were; one at a time.

    Only those from ``since`` (RFC 3339, UTC) on, and only those at what is about a child, if these are given.
    """
    about = list[int]()
    async for entry in entries:
        if child is not None and any(subject.ref == child for subject in entry.subjects):
            about.append(entry.position)
        if entry.type not in LOOK_TYPES | {EntryType.AUDIT_OPENED} or (since is not None and entry.time < since):
            continue
        opening = _opening(entry)
        if child is None or child in opening.children or _covers(opening.range, about):
            yield opening


def _opening(entry: Entry) -> RecordedOpening:
    first, last = entry.facts.get("first_position"), entry.facts.get("last_position")
    known_as = _text(entry, "known_as")
    return RecordedOpening(
        position=entry.position,
        time=entry.time,
        type=entry.type,
        by=str(entry.agency or entry.facts.get("caller")),
        account=_text(entry, "by"),
        recipient=_text(entry, "recipient"),
        section=str(entry.facts.get("section")),
        purpose=str(entry.facts.get("purpose")),
        reason=_text(entry, "reason"),
        children=tuple(subject.ref for subject in entry.subjects) or ((ChildRef(known_as),) if known_as else ()),
        entries=entry.causes,
        range=(Position(first), Position(last)) if isinstance(first, int) and isinstance(last, int) else None,
    )


def _covers(range_: tuple[int, int] | None, about: list[int]) -> bool:
    return range_ is not None and any(range_[0] <= position <= range_[1] for position in about)


def _text(entry: Entry, name: str) -> str | None:
    value = entry.facts.get(name)
    return value if isinstance(value, str) else None
