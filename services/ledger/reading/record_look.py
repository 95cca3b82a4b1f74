"""Puts on the record that somebody looked, before anything is shown: which entries were opened for them, or none."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from services.ledger.reading.prove_reader import REPLAYED
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.messages import Answer, Appended, AppendRequest, Idempotency, NamedChild, Section
from shared.ledger.reading_messages import SignedRead
from shared.vocabulary import EntryType

NOTHING_SAID = Answer(200, {})


@dataclass(frozen=True, slots=True)
class Look:
    """A look to record. ``child`` is None for a search that showed nobody; ``opened`` are the entries opened for it."""

    type: EntryType
    child: ChildRef | None
    opened: tuple[EntryId, ...]
    facts: Mapping[str, object]
    signed: SignedRead


@dataclass(frozen=True, slots=True)
class LookRecorder:
    """Appends looks. Every reader's use case records through it before it returns anything."""

    append: Callable[[AppendRequest], Awaitable[Appended]]
    random: Callable[[int], bytes]

    async def record(self, look: Look) -> Position:
        """Return where the look stands in the ledger, once it is durable there.

        The reader's signature is sealed beside a look at a child, so that nobody can deny having looked; a search has
        nothing sealed beside it, since what was searched for must not outlive the child's erasure. One signed request
        is one look: raises NonceReplayed for a second, and what an append can be refused with.
        """
        signed = look.signed
        request = AppendRequest(
            entry_id=EntryId(self.random(16).hex()),
            type=look.type,
            idempotency=Idempotency("service:ledger", f"{look.type}:{signed.key}:{signed.nonce}", signed.evidence),
            answer=NOTHING_SAID,
            agency=signed.agency,
            key=signed.key,
            child=NamedChild(look.child, None) if look.child is not None else None,
            facts=dict(look.facts),
            causes=look.opened,
            registry=signed.registry,
            sections=(Section("signature", signed.evidence),) if look.child is not None else (),
        )
        appended = await self.append(request)
        if appended.repeated:
            raise REPLAYED
        return appended.position
