"""Break-glass: an auditor opens sealed content against a reason that goes on the record first (G12)."""

from hashlib import sha256

import msgspec

from services.ledger.open_section import Revealed, SectionOpener
from services.ledger.prove_auditor import (
    AuditorProver,
    OpeningUnexplained,
    check_explained,
    check_way_in,
    not_as_signed,
)
from services.ledger.record_opening import Opening, OpeningRecorder
from shared.identifiers import parse_account
from shared.ledger.audit_messages import BreakGlass, GlassBroken
from shared.ledger.messages import Answer, Idempotency, Section

TARGET = "/v1/audit/openings"


class AskedToOpen(msgspec.Struct, frozen=True):
    """The body that an auditor signs."""

    entry: str
    section: str
    reason: str
    note: str


class GlassBreaker:
    """Opens sections for auditors.

    The gateway holds no key that opens anything, and cannot make one work either: what comes through it is opened
    only for an auditor's own signature, which is verified here again, against the registry as the log has it.
    """

    def __init__(self, *, prover: AuditorProver, opener: SectionOpener, recorder: OpeningRecorder) -> None:
        self._prover = prover
        self._opener = opener
        self._recorder = recorder

    async def open(self, asked: BreakGlass, *, caller: str) -> GlassBroken:
        """Return a section in plain; who opened it, and why, is durable in the ledger before this returns.

        The same request again makes no second entry. Raises NotAnAuditor, OpeningUnexplained, NotFound when the section
        never was or has been erased, and what a signature or an append can be refused with.
        """
        check_explained(asked.reason, asked.note)
        check_way_in(caller, asked.signed)
        if asked.signed is not None:
            said = self._prover.prove(asked.signed, target=TARGET, shape=AskedToOpen)
            if said != AskedToOpen(asked.entry_id, asked.section, asked.reason, asked.note):
                raise not_as_signed()
        elif asked.by is None:
            raise OpeningUnexplained("an opening is by somebody", remedy="Say whose account asks for it.")
        else:
            parse_account(asked.by)
        revealed = await self._opener.reveal(asked.entry_id, asked.section)
        recorded = await self._recorder.record(_opening(asked, revealed, caller=caller))
        return GlassBroken(revealed.content, revealed.salt, recorded.position, recorded.answer)


def _opening(asked: BreakGlass, revealed: Revealed, *, caller: str) -> Opening:
    signed, note = asked.signed, Section("note", asked.note.encode("utf-8"))
    purpose = f"break-glass:{asked.reason}" + (f":{asked.run}" if asked.run else "")
    if signed is None:
        name = f"opened:{asked.entry_id}:{asked.section}:{purpose}"
        idempotency = Idempotency("service:ledger", name, f"{caller}:{asked.by}:{asked.note}".encode())
    else:
        request = f"POST {signed.target}\n".encode() + sha256(signed.body).digest()
        idempotency = Idempotency(f"agency:{signed.agency}", signed.idempotency_key, request)
    return Opening(
        facts={
            "section": asked.section,
            "purpose": purpose,
            "reason": asked.reason,
            "recipient": f"agency:{signed.agency}" if signed is not None else None,
            "caller": "auditor",
            **({"by": asked.by} if signed is None else {}),
        },
        idempotency=idempotency,
        of=revealed.entry,
        answer=Answer(201, {"kind": "opening", "result": "accepted", "entry": asked.entry_id, "reason": asked.reason}),
        signed=signed,
        sections=(note,)
        if signed is None
        else (Section("body", signed.body), Section("signature", signed.evidence), note),
    )
