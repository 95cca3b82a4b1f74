"""What an auditor may do at the gateway: read the ledger's clear part freely, open sealed content by break-glass."""

import base64
from typing import Annotated

import msgspec
import orjson

from services.gateway.admit_request import Admitted
from services.gateway.ports import AuditLedger
from services.gateway.query_moment import query_moment
from services.gateway.query_number import query_number
from shared.clock import Clock, rfc3339
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.identifiers import Position, parse_child_ref, parse_entry_id
from shared.ledger.audit_messages import BreakGlass, OpenSignatures, SignedOpening, WhoKnewQuery
from shared.transparency.tiles import parse_tile_path
from shared.vocabulary import AgencyRole

MOST_ENTRIES, MOST_SIGNATURES = 1000, 500
MOST_POSITIONS = 2**53 - 1
"""The largest whole number that a record on the ledger may hold (RFC 8785)."""


class NotAnAuditor(NotPermitted):
    """The agency is not registered as an auditor."""

    code = "not-an-auditor"


class OpeningRecord(msgspec.Struct, frozen=True):
    """What an auditor asks to open: the entry's id, the section (``body``, ``signature`` or ``note``), and why."""

    entry: str
    section: str
    reason: str
    note: str


class SignaturesRecord(msgspec.Struct, frozen=True):
    """What an auditor's run asks for: the signatures in the first ``size`` entries, those after a position, and why.

    ``compared`` is ``body`` where the ledger is to hold each body, within itself, against what was signed; or ``none``.
    """

    run: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{8,64}$")]
    size: Annotated[int, msgspec.Meta(ge=1, le=MOST_POSITIONS)]
    after: Annotated[int, msgspec.Meta(ge=-1, le=MOST_POSITIONS)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_SIGNATURES)]
    compared: str
    reason: str
    note: str


COMPARED = {"none": False, "body": True}
"""What a run may have the ledger hold against the signatures."""


def check_auditor(admitted: Admitted) -> None:
    """Raise NotAnAuditor unless the agency that signed may audit."""
    if AgencyRole.AUDITOR.value not in admitted.agency.roles:
        raise NotAnAuditor("the agency that signed this is not registered as an auditor")


class LedgerReader:
    """Answers auditors. Whoever calls has made sure that it is one."""

    def __init__(self, *, ledger: AuditLedger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def checkpoint(self) -> bytes:
        """Return the published checkpoint with its cosignatures. Raises NotFound before anything is published."""
        return await self._ledger.tile("checkpoint")

    async def tile(self, path: str) -> bytes:
        """Return a tile or entry bundle as published. Raises NotFound for a path that is none, or not there yet."""
        try:
            parse_tile_path(path)
        except InvalidInput as error:
            raise NotFound("no log has a tile at that path") from error
        return await self._ledger.tile(path)

    async def entries(self, *, after: str, limit: str, registry_only: bool = False) -> bytes:
        """Return the leaves after a position, one to a line, in order; or those alone that make the registry.

        Raises InvalidInput for no numbers.
        """
        first, most = query_number(after, least=-1), query_number(limit, least=1)
        page = await self._ledger.entries(after=first, limit=min(most, MOST_ENTRIES), registry_only=registry_only)
        return b"".join(stored.leaf + b"\n" for stored in page.entries)

    async def who_knew(self, child: str, *, as_at: str | None) -> bytes:
        """Return who knew what about a child at a moment, as JSON; now, if no moment is given."""
        moment = query_moment(as_at) if as_at is not None else rfc3339(self._clock.now())
        return msgspec.json.encode(await self._ledger.who_knew(WhoKnewQuery(parse_child_ref(child), moment)))

    async def open(self, record: OpeningRecord, signed: SignedOpening) -> bytes:
        """Return what was sealed, with the record of its opening: on the ledger before this returns.

        With it comes the salt that the entry's commitment was made with, so that it can be held against that.
        Raises NotFound when there is nothing of that name or it was erased, and what the ledger refuses it with.
        """
        broken = await self._ledger.break_glass(
            BreakGlass(
                entry_id=parse_entry_id(record.entry),
                section=record.section,
                reason=record.reason,
                note=record.note,
                signed=signed,
            )
        )
        return orjson.dumps(
            {
                "opening": orjson.loads(broken.answer),
                "content_base64": _base64(broken.content),
                "salt_base64": _base64(broken.salt),
            }
        )

    async def open_signatures(self, record: SignaturesRecord, signed: SignedOpening) -> bytes:
        """Return a page of a run's signatures as JSON; the run's one opening is on the ledger before this returns.

        Raises InvalidInput for what cannot be compared, and what the ledger refuses it with.
        """
        if record.compared not in COMPARED:
            raise InvalidInput("a run compares `body` or `none`")
        page = await self._ledger.open_signatures(
            OpenSignatures(
                run=record.run,
                first_position=Position(0),
                last_position=Position(record.size - 1),
                after=record.after,
                limit=record.limit,
                bodies=COMPARED[record.compared],
                reason=record.reason,
                note=record.note,
                signed=signed,
            )
        )
        return msgspec.json.encode(page)


def signed_opening(admitted: Admitted, *, body: bytes, idempotency_key: str, target: str) -> SignedOpening:
    """Return what an auditor signed, for the ledger to verify again."""
    return SignedOpening(
        agency=admitted.agency_id,
        key=admitted.key,
        nonce=admitted.nonce,
        idempotency_key=idempotency_key,
        target=target,
        body=body,
        evidence=admitted.evidence,
        registry=admitted.registry,
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
