"""Corrections and disputes: entries that say something of an earlier one. Nothing is rewritten (UK GDPR Art 16).

The earlier entry never changes, so that it is read before the request reaches the sequencer.
"""

from shared.entries import Entry
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import EntryId
from shared.ledger.messages import AppendRequest
from shared.vocabulary import CONTENT_TYPES, EntryType

SUPERSEDING = frozenset({EntryType.RECORD_CORRECTED, EntryType.RECORD_DISPUTED})


class NotYourRecord(NotPermitted):
    """Only the agency that recorded something can correct it. Anybody else disputes it."""

    code = "not-your-record"


def superseded_by(request: AppendRequest) -> EntryId | None:
    """Return the id of the entry that a correction or dispute is about, which is its one cause; None for all else."""
    if request.type not in SUPERSEDING:
        return None
    if len(request.causes) != 1 or request.child is None or request.child.ref is None:
        raise InvalidInput("a correction or dispute names one earlier entry as its cause, and its child by reference")
    return EntryId(request.causes[0])


def check_superseding(request: AppendRequest, earlier: Entry) -> None:
    """Raise InvalidInput or NotYourRecord unless a request may correct or dispute an earlier entry."""
    if earlier.type not in CONTENT_TYPES:
        raise InvalidInput(f"{earlier.type} is no record that an agency made")
    if request.child is None or request.child.ref not in {subject.ref for subject in earlier.subjects}:
        raise InvalidInput("the earlier entry is about another child")
    if request.type is EntryType.RECORD_CORRECTED and request.agency != earlier.agency:
        raise NotYourRecord(
            "another agency recorded this", remedy="Dispute it; the agency that recorded it can correct it."
        )
