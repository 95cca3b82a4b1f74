"""Reading back: what became of a record, for the agency that made it."""

import orjson

from services.gateway.admit_request import Admitted
from services.gateway.domain.placing import Directories
from services.gateway.ports import Ledger
from services.gateway.record_decision import recipient_name
from shared.entries import parse_entry
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.identifiers import parse_entry_id
from shared.vocabulary import EntryType

_RECORDS = frozenset(
    {
        EntryType.SHARE_RECORDED,
        EntryType.WITHHOLDING_RECORDED,
        EntryType.WHEREABOUTS_REPORTED,
        EntryType.HOUSING_NOTICE_RECORDED,
    }
)


class NotYourRecord(NotPermitted):
    """The record is another agency's."""

    code = "not-your-record"


class RecordReader:
    """Reads records back."""

    def __init__(self, *, ledger: Ledger, directories: Directories) -> None:
        self._ledger = ledger
        self._directories = directories

    async def read(self, entry_id: str, admitted: Admitted) -> bytes:
        """Return the record's status as JSON: its receipt, and how far each obligation has come.

        Holds no content of the record. Raises NotFound, and NotYourRecord for another agency's.
        """
        try:
            status = await self._ledger.entry_status(parse_entry_id(entry_id))
        except InvalidInput as error:
            raise NotFound("there is no record of that id") from error
        entry = parse_entry(status.leaf)
        if entry.type not in _RECORDS:
            raise NotFound("there is no record of that id")
        if entry.agency != admitted.agency_id:
            raise NotYourRecord("the record is another agency's")
        answer = orjson.loads(status.answer) if status.answer else {}
        return orjson.dumps(
            {
                "id": entry.id,
                "type": entry.type.value,
                "position": entry.position,
                "recorded_at": entry.time,
                "receipt": answer.get("receipt"),
                "notifications": [
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
                    }
                    for each in status.obligations
                ],
            }
        )
