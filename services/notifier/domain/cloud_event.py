"""What a recipient is sent: a CloudEvents 1.0 event, the same bytes on every attempt."""

from collections.abc import Sequence

import orjson

from services.notifier.domain.content import Before
from shared.entries import Entry, Obligation
from shared.opened_content import opened_content

MEDIA_TYPE = "application/cloudevents+json"


def event_bytes(
    entry: Entry,
    obligation: Obligation,
    *,
    leaf: bytes,
    content: bytes | None,
    history: Sequence[Before],
    origin: str,
) -> bytes:
    """Return the event for one obligation.

    ``id`` is the obligation's, so that a repeat is known as one. ``data.entry`` is the ledger's leaf, ``data.content``
    the record as its sender signed it, or None when nothing may be opened. ``data.history`` is what else was recorded
    of it before, oldest first: the record that an amendment is about, earlier amendments. Whether this attempt
    overtakes an earlier notification is said in a header, since it may differ between attempts.
    """
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": obligation.id,
            "source": f"//{origin}",
            "type": f"safeguarding-exchange.{entry.type.value}.v1",
            "subject": entry.subjects[0].ref if entry.subjects else None,
            "time": entry.time,
            "datacontenttype": "application/json",
            "data": {
                "obligation": {
                    "id": obligation.id,
                    "recipient": obligation.recipient,
                    "reasons": obligation.reasons,
                    "urgency": obligation.urgency,
                    "due_at": obligation.due_at,
                    "calendar": obligation.calendar,
                },
                "position": entry.position,
                "entry": orjson.Fragment(leaf),
                "content": opened_content(content),
                "history": [
                    {
                        "id": before.entry.id,
                        "type": before.entry.type.value,
                        "position": before.entry.position,
                        "time": before.entry.time,
                        "agency": before.entry.agency,
                        "content": opened_content(before.content),
                    }
                    for before in history
                ],
            },
        }
    )
