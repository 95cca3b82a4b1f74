"""What a recipient is shown of sealed content: which entry's section, and whether what came before it as well."""

from dataclasses import dataclass
from enum import StrEnum

from shared.entries import Entry
from shared.entry_types import CONTENT_TYPES, RECORD_TYPES
from shared.identifiers import Recipient, agency_recipient
from shared.vocabulary import EntryType

BODY = "body"


_PASSES_ON_WHAT_IS_BEHIND = frozenset(
    {
        EntryType.CHILD_MOVE_SUSPECTED,
        EntryType.QUEUE_RESOLVED,
        EntryType.WITHHOLDING_REOPENED,
        EntryType.WITHHOLDING_REVIEW_OVERDUE,
    }
)


class Shown(StrEnum):
    """How much of a record's history a notification shows."""

    NOTHING = "nothing"
    OWN = "own"
    OWN_AND_BEFORE = "own_and_before"
    RECORD_BEHIND = "record_behind"


def shown(entry: Entry, recipient: Recipient) -> Shown:
    """Return what a recipient is shown because of an entry.

    An amendment comes with the record and what was said of it before, since its recipient may not have had that; a
    retraction comes alone, since nobody should read again what was taken back. A move, and what a person passed on,
    come with the record behind them and all its amendments so far; so do the reopening and the overdue review of a
    withholding, which go to the agency that withholds it. Who amends a record is not shown its own words.
    """
    if entry.agency is not None and recipient == agency_recipient(entry.agency) and entry.type not in RECORD_TYPES:
        return Shown.NOTHING
    if entry.type in RECORD_TYPES or entry.type is EntryType.RECORD_RETRACTED:
        return Shown.OWN
    if entry.type in CONTENT_TYPES:
        return Shown.OWN_AND_BEFORE
    if entry.type in _PASSES_ON_WHAT_IS_BEHIND and entry.causes:
        return Shown.RECORD_BEHIND
    return Shown.NOTHING


@dataclass(frozen=True, slots=True)
class Before:
    """An entry about the same record that came earlier, with its sealed content; None when that has been erased."""

    entry: Entry
    content: bytes | None
