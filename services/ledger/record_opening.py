"""Puts on the record that sealed content is opened: one form for every kind of opening (G12)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.ledger.prepare_append import AppendPreparer
from services.ledger.request_queue import Queue
from shared.entries import Entry
from shared.identifiers import EntryId
from shared.ledger.audit_messages import SignedOpening
from shared.ledger.messages import Answer, Appended, AppendRequest, Idempotency, NamedChild, Section
from shared.vocabulary import EntryType

NOTHING_SAID = Answer(201, {})
"""The answer kept for an opening whose asker gets the content itself and keeps no answer."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is opened, as its record will say it.

    ``facts`` are codes: which section, what for, for whom, who called. ``of`` is the entry opened, None for a range
    of entries that the facts name. ``signed`` is the request of whoever signed for it, ``sections`` what the record
    seals with it. The same ``idempotency`` again makes no second entry.
    """

    facts: Mapping[str, object]
    idempotency: Idempotency
    of: Entry | None
    answer: Answer = NOTHING_SAID
    signed: SignedOpening | None = None
    sections: Sequence[Section] = ()


@dataclass(frozen=True, slots=True)
class OpeningRecorder:
    """Appends openings. Every opener records through it before it shows anything."""

    preparer: AppendPreparer
    queue: Queue
    random: Callable[[int], bytes]

    async def record(self, opening: Opening) -> Appended:
        """Return once the opening is durable in the ledger. Raises what an append can be refused with."""
        return await self.queue.submit(await self.preparer.prepare(self._request(opening)))

    def _request(self, opening: Opening) -> AppendRequest:
        of, signed = opening.of, opening.signed
        return AppendRequest(
            entry_id=EntryId(self.random(16).hex()),
            type=EntryType.AUDIT_OPENED if of is None else EntryType.CONTENT_OPENED,
            idempotency=opening.idempotency,
            answer=opening.answer,
            agency=signed.agency if signed is not None else None,
            key=signed.key if signed is not None else None,
            nonce=signed.nonce if signed is not None else None,
            child=NamedChild(of.subjects[0].ref, None) if of is not None and of.subjects else None,
            facts=dict(opening.facts),
            causes=(of.id,) if of is not None else (),
            registry=signed.registry if signed is not None else None,
            sections=tuple(opening.sections),
        )
