"""Opens the kept signatures of many entries for an audit: one opening on the record for the run, not one for each."""

import re

import msgspec

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.domain.callers import AUDITOR
from services.ledger.open_section import SectionOpener
from services.ledger.prove_auditor import AuditorProver, check_explained, check_way_in, not_as_signed
from services.ledger.record_opening import Opening, OpeningRecorder
from shared.entries import Entry, parse_entry
from shared.errors import IntegrityFailure, InvalidInput, NotFound, NotPermitted
from shared.identifiers import Position
from shared.ledger.audit_messages import BodyStanding, OpenedSignature, OpenSignatures, SignaturesPage
from shared.ledger.messages import Idempotency, Section, StoredEntry
from shared.signatures.evidence import check_body_of_evidence

SECTION, BODY, NOTHING = "signature", "body", "none"
LARGEST_PAGE = 500
TARGET = "/v1/audit/signatures"
_RUN = re.compile(r"[a-z0-9-]{8,64}\Z")


class AskedForSignatures(msgspec.Struct, frozen=True):
    """The body that an auditor signs for each page: of the first ``size`` entries, what comes after a position."""

    run: str
    size: int
    after: int
    limit: int
    compared: str
    reason: str
    note: str


class SignatureOpener:
    """Opens signature sections, which say who signed what when, and nothing of the content but its digest.

    Where it was asked for, each body is held against that digest here, within the ledger: what is given out is only
    whether it fits.
    """

    def __init__(
        self, *, reader: PostgresReader, prover: AuditorProver, opener: SectionOpener, recorder: OpeningRecorder
    ) -> None:
        self._reader = reader
        self._prover = prover
        self._opener = opener
        self._recorder = recorder

    async def open(self, asked: OpenSignatures, *, caller: str) -> SignaturesPage:
        """Return a page of a run's signatures; that the run opens its range is durable before this returns.

        The run's later pages make no second entry. By the gateway each page is shown for an auditor's own signature
        alone. Raises InvalidInput for a range or run that cannot be, Conflict when the run was recorded with another
        range, NotAnAuditor and OpeningUnexplained as a break-glass does, Unavailable when it cannot be recorded: then
        nothing is shown.
        """
        check_way_in(caller, asked.signed)
        if not _RUN.match(asked.run) or not 0 <= asked.first_position <= asked.last_position:
            raise InvalidInput("an audit run has a name of 8 to 64 letters, digits and hyphens, and a range")
        if asked.signed is not None:
            check_explained(asked.reason, asked.note)
            said = self._prover.prove(asked.signed, target=TARGET, shape=AskedForSignatures)
            if said != _as_signed(asked) or asked.first_position != 0:
                raise not_as_signed()
        recorded = await self._recorder.record(_opening(asked, caller=caller))
        stored = await self._reader.with_section(
            SECTION,
            after=max(asked.after, asked.first_position - 1),
            # What came after the run was put on record is no part of it, however far it said that it would reach.
            last=min(asked.last_position, recorded.position - 1),
            limit=max(1, min(asked.limit, LARGEST_PAGE)),
        )
        return SignaturesPage(
            tuple([await self._reveal(each, bodies=asked.bodies) for each in stored]), recorded.position
        )

    async def _reveal(self, stored: StoredEntry, *, bodies: bool) -> OpenedSignature:
        position, entry = Position(stored.position), parse_entry(stored.leaf)
        try:
            revealed = await self._opener.reveal(entry.id, SECTION)
        except NotFound:
            return OpenedSignature(position, None)
        except IntegrityFailure as error:
            return OpenedSignature(position, None, error.detail)
        standing = await self._standing(entry, revealed.content) if bodies else BodyStanding.NONE
        return OpenedSignature(position, revealed.content, body=standing)

    async def _standing(self, entry: Entry, evidence: bytes) -> BodyStanding:
        if entry.key is None or BODY not in entry.commitments:
            return BodyStanding.NONE
        try:
            body = (await self._opener.reveal(entry.id, BODY)).content
        except (NotFound, IntegrityFailure):
            return BodyStanding.NOT_OPENABLE
        try:
            check_body_of_evidence(evidence, body)
        except (InvalidInput, NotPermitted):
            return BodyStanding.NOT_AS_SIGNED
        return BodyStanding.AS_SIGNED


def _as_signed(asked: OpenSignatures) -> AskedForSignatures:
    return AskedForSignatures(
        run=asked.run,
        size=asked.last_position + 1,
        after=asked.after,
        limit=asked.limit,
        compared=BODY if asked.bodies else NOTHING,
        reason=asked.reason,
        note=asked.note,
    )


def _opening(asked: OpenSignatures, *, caller: str) -> Opening:
    scope = f"{asked.first_position}-{asked.last_position}{' with bodies' if asked.bodies else ''}"
    facts: dict[str, object] = {
        "first_position": asked.first_position,
        "last_position": asked.last_position,
        "section": SECTION,
        **({"compared": BODY} if asked.bodies else {}),
        "purpose": f"audit:{asked.run}",
        "caller": caller,
    }
    signed = asked.signed
    if signed is None:
        idempotency = Idempotency("service:ledger", f"audit:{asked.run}", f"{caller}:{scope}".encode())
        return Opening(facts=facts, idempotency=idempotency, of=None)
    # Each page is signed anew, and the run is one opening: its first page's request is what the record seals.
    why = f"{signed.agency}:{scope}:{asked.reason}:{asked.note}".encode()
    return Opening(
        facts={**facts, "caller": AUDITOR, "reason": asked.reason},
        idempotency=Idempotency("service:ledger", f"audit:{signed.agency}:{asked.run}", why),
        of=None,
        signed=signed,
        sections=(
            Section("body", signed.body),
            Section("signature", signed.evidence),
            Section("note", asked.note.encode("utf-8")),
        ),
    )
