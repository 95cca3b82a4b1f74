"""Amendments: corrections, retractions, disputes and withdrawals of consent, each an entry about an earlier one.

Nothing is rewritten (UK GDPR Art 16). The earlier entry never changes, so that it is read before the request reaches
the sequencer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.entries import Entry, Obligation
from shared.entry_types import AMENDMENT_TYPES, CONTENT_TYPES, Is, types_that_are
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import EntryId, Recipient
from shared.ledger.messages import AppendRequest
from shared.vocabulary import EntryType

_ONLY_THE_RECORDER = frozenset({EntryType.RECORD_CORRECTED, EntryType.RECORD_RETRACTED, EntryType.WITHHOLDING_REVIEWED})
_PASSES_CONTENT_ON = types_that_are(Is.PASSES_ON)
_FOLLOWS = types_that_are(Is.FOLLOWS)
"""A record, such as a share after a withholding, is not among them: who is told of the one is not told of the other."""

_SHOWN = AMENDMENT_TYPES | {
    EntryType.QUEUE_RESOLVED,
    EntryType.WITHHOLDING_REOPENED,
    EntryType.WITHHOLDING_REVIEW_OVERDUE,
}


class NotYourRecord(NotPermitted):
    """Only the agency that recorded something can correct it or take it back. Anybody else disputes it."""

    code = "not-your-record"


def amended_by(request: AppendRequest) -> EntryId | None:
    """Return the id of the entry that an amendment is about, which is its one cause; None for all else."""
    if request.type not in AMENDMENT_TYPES:
        return None
    if len(request.causes) != 1 or (request.child is not None and request.child.ref is None):
        raise InvalidInput("an amendment names one earlier entry as its cause, and its child, if any, by reference")
    return EntryId(request.causes[0])


def check_amendment(request: AppendRequest, earlier: Entry) -> None:
    """Raise InvalidInput or NotYourRecord unless a request may amend an earlier entry."""
    if earlier.type not in CONTENT_TYPES:
        raise InvalidInput(f"{earlier.type} is no record that an agency made")
    children = [subject.ref for subject in earlier.subjects]
    if (request.child is None) != (not children) or (request.child is not None and request.child.ref not in children):
        raise InvalidInput("the earlier entry is about another child")
    if request.type in _ONLY_THE_RECORDER and request.agency != earlier.agency:
        raise NotYourRecord(
            "another agency recorded this", remedy="Dispute it; the agency that recorded it can correct it."
        )


@dataclass(slots=True)
class RecordHistory:
    """What followed from a record.

    ``later`` are its amendments, where a person passed it on, and the share that a withholding ended in; ``told`` is
    everybody who was or will be told what it says, by whatever entry (UK GDPR Art 19: each must hear of an amendment).
    ``owed`` is everything that was put to anybody because of it.
    """

    record: Entry
    later: list[Entry] = field(default_factory=list)
    told: dict[Recipient, None] = field(default_factory=dict)
    owed: list[Obligation] = field(default_factory=list)


def history_of(record: Entry, following: Iterable[Entry]) -> RecordHistory:
    """Return what followed from a record; ``following`` are entries in position order, others among them do no harm."""
    history, family = RecordHistory(record), {record.id}
    history.told.update(dict.fromkeys(owed.recipient for owed in record.obligations))
    history.owed.extend(record.obligations)
    for entry in following:
        # Only the first cause: a withholding that is reopened because of a share is no part of that share's history.
        if entry.position <= record.position or family.isdisjoint(entry.causes[:1]):
            continue
        if entry.type is EntryType.SHARE_RECORDED:
            history.later.append(entry)
        if entry.type not in _FOLLOWS:
            continue
        family.add(entry.id)
        history.owed.extend(entry.obligations)
        if entry.type in _PASSES_CONTENT_ON:
            history.told.update(dict.fromkeys(owed.recipient for owed in entry.obligations))
        if entry.type in _SHOWN:
            history.later.append(entry)
    return history
