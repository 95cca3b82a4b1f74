"""Break-glass: an auditor opens sealed content against a reason that goes on the record first (G12)."""

from hashlib import sha256

import msgspec

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.domain.callers import GATEWAY, CallerNotPermitted
from services.ledger.open_section import Revealed, SectionOpener
from services.ledger.record_opening import Opening, OpeningRecorder
from shared.clock import Clock
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import parse_account
from shared.ledger.audit_messages import BreakGlass, GlassBroken, SignedOpening
from shared.ledger.messages import Answer, Idempotency, Section
from shared.signatures.evidence import SignedRequest, verify_evidence
from shared.signatures.keys import public_key_from_jwk
from shared.vocabulary import AgencyRole, OpeningReason

TARGET = "/v1/audit/openings"


class NotAnAuditor(NotPermitted):
    """Who asked is not registered as an auditor."""

    code = "not-an-auditor"


class OpeningUnexplained(InvalidInput):
    """Sealed content is opened against a reason, never without."""

    code = "opening-unexplained"


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

    def __init__(
        self, *, reader: PostgresReader, opener: SectionOpener, recorder: OpeningRecorder, clock: Clock
    ) -> None:
        self._reader = reader
        self._opener = opener
        self._recorder = recorder
        self._clock = clock

    async def open(self, asked: BreakGlass, *, caller: str) -> GlassBroken:
        """Return a section in plain; who opened it, and why, is durable in the ledger before this returns.

        The same request again makes no second entry. Raises NotAnAuditor, OpeningUnexplained, NotFound when the section
        never was or has been erased, and what a signature or an append can be refused with.
        """
        if asked.reason not in {reason.value for reason in OpeningReason} or not asked.note.strip():
            raise OpeningUnexplained(
                "an opening needs a reason that is one of the codes, and a note that says why",
                remedy="Use one of: " + ", ".join(reason.value for reason in OpeningReason),
            )
        if (caller == GATEWAY) != (asked.signed is not None):
            raise CallerNotPermitted(f"the {caller} may not ask for an opening in this way")
        if asked.signed is not None:
            await self._check_signed(asked, asked.signed)
        elif asked.by is None:
            raise OpeningUnexplained("an opening is by somebody", remedy="Say whose account asks for it.")
        else:
            parse_account(asked.by)
        revealed = await self._opener.reveal(asked.entry_id, asked.section)
        recorded = await self._recorder.record(_opening(asked, revealed, caller=caller))
        return GlassBroken(revealed.content, revealed.salt, recorded.position, recorded.answer)

    async def _check_signed(self, asked: BreakGlass, signed: SignedOpening) -> None:
        registry = await self._reader.registry()
        registered = registry.key_valid_at(signed.key, at=self._clock.now())
        agency = registry.agencies.get(registered.agency)
        if agency is None or agency.agency != signed.agency or AgencyRole.AUDITOR.value not in agency.roles:
            raise NotAnAuditor("the agency that signed this is not registered as an auditor")
        request = verify_evidence(signed.evidence, key=public_key_from_jwk(registered.jwk))
        request.check_body(signed.body)
        _check_same(asked, signed, request)


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


def _check_same(asked: BreakGlass, signed: SignedOpening, request: SignedRequest) -> None:
    """Raise NotAnAuditor unless the auditor signed this very opening, here, with this key and nonce."""
    try:
        body = msgspec.json.decode(signed.body, type=AskedToOpen)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("the body that was signed does not ask for an opening") from error
    said = (body.entry, body.section, body.reason, body.note)
    covered = tuple(request.components[name] for name in ('"@method"', '"@path"', '"idempotency-key"'))
    if said != (asked.entry_id, asked.section, asked.reason, asked.note) or request.nonce != signed.nonce:
        raise NotAnAuditor("what is to be opened is not what the auditor signed")
    if covered != ("POST", TARGET, signed.idempotency_key) or signed.target != TARGET:
        raise NotAnAuditor("what the auditor signed is not a request to open anything")
