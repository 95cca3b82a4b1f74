"""Reading back: what became of a record, for the agency that made it."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from services.gateway.admit_request import Admitted
from services.gateway.domain.amending import NotYourRecord
from services.gateway.domain.placing import Directories
from services.gateway.ports import Ledger
from services.gateway.record_decision import recipient_name
from shared.clock import Clock, parse_rfc3339
from shared.entries import Entry, parse_entry
from shared.entry_types import RECORD_TYPES, WITHHOLDING_TYPES
from shared.errors import InvalidInput, NotFound
from shared.identifiers import parse_entry_id
from shared.ledger.messages import EntryStatus, ObligationState
from shared.ledger.progress import answer_due_at
from shared.ledger.reviews import OverdueReviewsQuery
from shared.vocabulary import EntryType, LadderState

_CHANGES = {EntryType.RECORD_CORRECTED: "corrected", EntryType.RECORD_RETRACTED: "retracted"}
_CODES_SHOWN = (
    *("form", "level", "level_before", "reason", "on_behalf_of", "whose", "outcome"),
    *("decision", "review_due_on"),
)


NO_RECORD = "there is no record of that id"


class RecordReader:
    """Reads records back."""

    def __init__(self, *, ledger: Ledger, directories: Directories, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._directories = directories

    async def read(self, entry_id: str, admitted: Admitted) -> bytes:
        """Return as JSON the record's receipt, how it stands, what followed from it, and how far each obligation came.

        Holds no content of the record. Raises NotFound, and NotYourRecord for another agency's; what another agency
        withholds is to be told by nothing from what is not there.
        """
        try:
            status = await self._ledger.entry_status(parse_entry_id(entry_id))
        except (InvalidInput, NotFound) as error:
            raise NotFound(NO_RECORD) from error
        entry = parse_entry(status.leaf)
        if entry.type not in RECORD_TYPES:
            raise NotFound(NO_RECORD)
        if entry.agency != admitted.agency_id:
            if entry.type in WITHHOLDING_TYPES:
                raise NotFound(NO_RECORD)
            raise NotYourRecord("the record is another agency's")
        answer = orjson.loads(status.answer) if status.answer else {}
        history = await self._ledger.record_history(entry.id)
        later = [parse_entry(stored.leaf) for stored in history.later]
        return orjson.dumps(
            {
                "id": entry.id,
                "type": entry.type.value,
                "position": entry.position,
                "recorded_at": entry.time,
                "receipt": answer.get("receipt"),
                "standing": _standing(later),
                "notifications": self._notifications(entry, status),
                "history": [await self._followed(each) for each in later],
            }
        )

    async def overdue_reviews(self, admitted: Admitted) -> bytes:
        """Return as JSON the agency's own withholdings that should have been reviewed by now, the longest known first.

        At most the first 500: each goes from the list when it is reviewed, or ends in a share.
        """
        page = await self._ledger.overdue_reviews(OverdueReviewsQuery(agency=admitted.agency_id))
        return orjson.dumps(
            {
                "overdue_reviews": [
                    {
                        "withholding": each.withholding,
                        "child": {"ref": each.child} if each.child is not None else None,
                        "review_due_on": each.review_due_on,
                        "notification": each.notification,
                        "found_at": each.found_at,
                    }
                    for each in page.reviews
                ]
            }
        )

    async def _followed(self, entry: Entry) -> dict[str, object]:
        """Return one thing that followed from the record: an amendment, or that a person passed it on."""
        return {
            "id": entry.id,
            "type": entry.type.value,
            "position": entry.position,
            "recorded_at": entry.time,
            "agency": entry.agency,
            "codes": {name: entry.facts[name] for name in _CODES_SHOWN if name in entry.facts},
            "notifications": self._notifications(entry, await self._ledger.entry_status(entry.id)),
        }

    def _notifications(self, entry: Entry, status: EntryStatus) -> list[dict[str, object]]:
        now = self._clock.now()
        return [
            {
                "id": each.obligation.id,
                "recipient": each.obligation.recipient,
                "name": recipient_name(each.obligation.recipient, self._directories),
                "reasons": list(each.obligation.reasons),
                "urgency": each.obligation.urgency,
                "due_at": each.obligation.due_at,
                "state": each.state,
                "since": each.since,
                "in_human_queue": each.queued,
                "outcome": each.outcome,
                "overdue": is_overdue(each, now=now),
                "unanswered": is_unanswered(each, entry=entry, now=now),
            }
            for each in status.obligations
        ]


def is_overdue(owed: ObligationState, *, now: datetime) -> bool:
    """Return whether a deadline has passed and no person owns it: then it is chased, and the sender is told.

    What was put to somebody because of a withholding wants a decision, whoever owns it.
    """
    enough = {LadderState.DECIDED.value}
    if owed.entry_type not in WITHHOLDING_TYPES:
        enough.add(LadderState.OWNED.value)
    return owed.state not in enough and now > parse_rfc3339(owed.obligation.due_at)


def is_unanswered(owed: ObligationState, *, entry: Entry, now: datetime) -> bool:
    """Return whether no person owns a share after the time for an answer, its deadline being later: the sender is told.

    ``entry`` is what owes it.
    """
    due_at = answer_due_at(entry, owed.obligation)
    return due_at is not None and now > due_at and owed.state not in (LadderState.OWNED, LadderState.DECIDED)


def _standing(later: Sequence[Entry]) -> dict[str, object]:
    """Return how the record stands now: by which entry it is as it is, and what was said against it.

    What was taken back stays so, whatever was corrected of it since: it is shown to nobody again.
    """
    standing: dict[str, object] = {"is": "as_recorded", "by": None}
    for entry in later:
        if entry.type in _CHANGES and standing["is"] != "retracted":
            standing = {"is": _CHANGES[entry.type], "by": entry.id}
    for name, entry_type in (("reviewed_by", EntryType.WITHHOLDING_REVIEWED), ("shared_by", EntryType.SHARE_RECORDED)):
        found = [entry.id for entry in later if entry.type is entry_type]
        if found:
            standing[name] = found
    standing["disputed_by"] = [entry.id for entry in later if entry.type is EntryType.RECORD_DISPUTED]
    standing["consent_withdrawn_by"] = [entry.id for entry in later if entry.type is EntryType.CONSENT_WITHDRAWN]
    return standing
