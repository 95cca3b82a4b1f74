"""Reading a child's case, and looking for a child: the reader's own signature goes with the question to the ledger."""

import msgspec
import orjson

from services.gateway.admit_request import Admitted
from services.gateway.domain.identity import identifiers_of
from services.gateway.domain.placing import Directories
from services.gateway.domain.record import Child
from services.gateway.ports import ReadingLedger
from services.gateway.query_moment import query_moment
from services.gateway.query_number import query_number
from services.gateway.record_decision import recipient_name
from shared.clock import Clock, rfc3339
from shared.errors import InvalidInput, NotFound
from shared.identifiers import ChildRef, parse_child_ref
from shared.ledger.messages import AdmitRead
from shared.ledger.reading_messages import EntryShown, FindChild, ReadChronology, SignedRead
from shared.opened_content import opened_content

MOST_ENTRIES = 100


class SearchRecord(msgspec.Struct, frozen=True):
    """A search for a child by what identifies it: a traced NHS number with the date of birth, or one's own number."""

    format: str | None = None
    child: Child | None = None


class CaseReader:
    """Reads cases for agencies. Who may see what is for the ledger to judge, which alone can open anything."""

    def __init__(self, *, ledger: ReadingLedger, directories: Directories, clock: Clock, in_production: bool) -> None:
        self._ledger = ledger
        self._directories = directories
        self._clock = clock
        self._in_production = in_production

    async def chronology(
        self, child: str, admitted: Admitted, *, target: str, as_at: str, after: str, limit: str
    ) -> bytes:
        """Return a page of a child's chronology as JSON; the look is on the ledger before this returns.

        Raises NotFound alike for no child of that reference and for one in whose case the agency has no part.
        """
        try:
            ref = parse_child_ref(child)
        except InvalidInput as error:
            raise NotFound("there is no child of that reference in whose case you have a part") from error
        page = await self._ledger.chronology(
            ReadChronology(
                child=ref,
                as_at=query_moment(as_at) if as_at else rfc3339(self._clock.now()),
                after=query_number(after, least=-1),
                limit=min(query_number(limit, least=1), MOST_ENTRIES),
                signed=_signed(admitted, method="GET", target=target, body=b""),
            )
        )
        return orjson.dumps(
            {
                "child": page.child,
                "as_at": page.as_at,
                "your_roles": list(page.roles),
                "responsible": page.responsible,
                "entries": [self._shown(each) for each in page.entries],
                "next_after": page.next_after,
                "looked_at_position": page.recorded_at_position,
            }
        )

    async def search(self, record: SearchRecord, admitted: Admitted, *, body: bytes, target: str) -> bytes:
        """Return the child that its identifiers name as JSON, or nobody: recorded, and the same bytes either way.

        Nobody found means that nobody is known by them *or* that the agency has no part in the child's case.
        """
        await self._ledger.admit_read(AdmitRead(admitted.agency_id, admitted.key, admitted.nonce))
        named = identifiers_of(record.child, agency=admitted.agency_id, in_production=self._in_production)
        identifying = tuple(each for each in named.identifiers if each.identifying)
        found = await self._ledger.find_child(
            FindChild(identifying, _signed(admitted, method="POST", target=target, body=body))
        )
        return search_answer(found.child, looked_up=len(identifying))

    def _shown(self, entry: EntryShown) -> dict[str, object]:
        return {
            "id": entry.id,
            "type": entry.type.value,
            "position": entry.position,
            "recorded_at": entry.time,
            "agency": entry.agency,
            "about": list(entry.about),
            "codes": entry.codes,
            "notifications": [
                {
                    "id": each.id,
                    "recipient": each.recipient,
                    "name": recipient_name(each.recipient, self._directories),
                    "reasons": list(each.reasons),
                    "urgency": each.urgency,
                    "due_at": each.due_at,
                    "state": each.state,
                    "since": each.since,
                }
                for each in entry.notifications
            ],
            "content_is": entry.content_is,
            "content": opened_content(entry.content),
        }


def search_answer(child: ChildRef | None, *, looked_up: int) -> bytes:
    """Return what a search answers. ``looked_up`` is how many identifiers could identify anybody."""
    found = [{"ref": child}] if child is not None else []
    return orjson.dumps({"kind": "search", "looked_up": looked_up, "found": found})


def _signed(admitted: Admitted, *, method: str, target: str, body: bytes) -> SignedRead:
    return SignedRead(
        agency=admitted.agency_id,
        key=admitted.key,
        nonce=admitted.nonce,
        method=method,
        target=target,
        body=body,
        evidence=admitted.evidence,
        registry=admitted.registry,
    )
