"""A ledger's writer over a log in memory: elected, on a full disk, cut off, by a clock that is told the time."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.adapters.writer_session import DatabaseFull
from services.ledger.continuity import Continuity
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.standing import Standing
from services.ledger.key_ring import KeyRing
from services.ledger.ports import CommittedBatch, WriterLost
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.request_queue import Queue
from services.ledger.term import LogIdentity, Writer
from services.ledger.watched_clock import WatchedClock
from shared.entries import Entry, parse_entry
from shared.entry_types import REGISTRY_TYPES
from shared.errors import Unavailable
from shared.identifiers import EntryId, Position, TreeSize
from shared.ledger.messages import Answer, Appended, AppendRequest, Idempotency, StoredEntry
from shared.ledger.registry import Registry
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.signed_note import NoteSigner
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeClock, FakeKeyEncryption
from tests.machinery.memory_log import MemoryGuard, MemoryLog

ORIGIN = "ledger.example/office"
PATIENCE_S = 5.0


@dataclass
class Session(MemoryLog):
    """A session with a log in memory: it commits nothing while the disk is full, can be cut off, and not be elected."""

    full: asyncio.Event = field(default_factory=asyncio.Event)
    kept: asyncio.Event = field(default_factory=asyncio.Event)
    cut_off: asyncio.Event = field(default_factory=asyncio.Event)
    another_writes: asyncio.Event = field(default_factory=asyncio.Event)
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)
    committing: asyncio.Event = field(default_factory=asyncio.Event)
    database_clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.may_commit.set()

    async def win(self) -> bool:
        return not self.another_writes.is_set()

    async def keep(self) -> None:
        self.kept.set()
        await self.cut_off.wait()
        self.cut_off.clear()
        raise WriterLost

    async def time(self) -> datetime:
        return self.database_clock.now()

    async def commit(self, batch: CommittedBatch) -> None:
        if self.full.is_set():
            raise DatabaseFull("the database's disk is full", outcome_unknown=True)
        self.committing.set()
        await self.may_commit.wait()
        await super().commit(batch)


@dataclass
class Reading:
    """What is read of the log beside the session. It takes its turns, and waits while it is told to."""

    log: MemoryLog
    may_read: asyncio.Event = field(default_factory=asyncio.Event)

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        found = [StoredEntry(each.position, self.log.leaves[each.position]) for each in self._entries(after)]
        return tuple(found[:limit])

    async def registry(self) -> Registry:
        for _ in range(20):
            await asyncio.sleep(0)
        await self.may_read.wait()
        return Registry().with_entries(each for each in self._entries(-1) if each.type in REGISTRY_TYPES)

    async def stewardship_entries(self, *, after: int, limit: int) -> tuple[StoredEntry, ...]:
        return ()

    async def checkpoint_at(self, size: int) -> bytes | None:
        return next((head.checkpoint for head in self.log.heads if head.size == size), None)

    async def checkpoint_of_newest_log_key(self) -> bytes | None:
        return None

    def _entries(self, after: int) -> list[Entry]:
        return [parse_entry(leaf) for leaf in self.log.leaves[Position(after + 1) :]]


class SlowKeys(FakeKeyEncryption):
    """A keeper that others may come before, as an HSM is."""

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        await asyncio.sleep(0.01)
        return await super().wrap(plain, kek_id=kek_id, key_id=key_id, nonce=nonce)


@dataclass
class Office:
    """The writer and everything that can go wrong around it. ``clock`` and ``count`` are the machine's own."""

    session: Session = field(default_factory=Session)
    guard: MemoryGuard = field(default_factory=MemoryGuard)
    clock: FakeClock = field(default_factory=FakeClock)
    count: FakeClock = field(default_factory=FakeClock)
    signers: list[NoteSigner] = field(default_factory=lambda: [NoteSigner(ORIGIN, Ed25519PrivateKey.generate())])
    connections: int = 0
    refusals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reading = Reading(self.session)
        self.reading.may_read.set()

    async def connect(self) -> Session:
        """Give the one session there is."""
        self.connections += 1
        return self.session

    def pass_s(self, seconds: float) -> None:
        """Let time pass, by every clock."""
        for clock in (self.clock, self.count, self.session.database_clock):
            clock.pass_s(seconds)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Writer]:
        """Give a writer at work; end it afterwards as a process's end would."""
        ring = KeyRing(SlowKeys(kept=["kek-1"]), random=bytes)
        preparer = AppendPreparer(
            secrets=Secrets(ring, BlindIndex(bytes(32))), data_keys=self.session, random=os.urandom
        )
        verifiers = [signer.verifier() for signer in self.signers]
        watched = WatchedClock(self.clock, counted_s=lambda: self.count.now().timestamp())
        writer = Writer(
            connect=self.connect,
            reader=self.reading,
            guard=self.guard,
            continuity=Continuity(self.guard, self.reading, ORIGIN, verifiers, None, None),
            preparer=preparer,
            key_ring=ring,
            clock=watched,
            watched_clock=watched,
            identity=LogIdentity(ORIGIN, tuple(each.verifier_key() for each in verifiers), changed_by="p.ellis"),
            sign_head=lambda size, root: sign_checkpoint(Checkpoint(ORIGIN, TreeSize(size), root), self.signers),
            random=os.urandom,
            queue=Queue(),
        )
        serving = asyncio.create_task(writer.serve())
        try:
            yield writer
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    async def writes(self, writer: Writer) -> None:
        """Wait until it writes."""
        async with asyncio.timeout(PATIENCE_S):
            while writer.standing is not Standing.WRITING:
                await asyncio.sleep(0.001)

    async def once(self, writer: Writer, name: str) -> Appended | None:
        """Ask for something to be recorded; None when it is refused, and ``refusals`` says why."""
        ring = KeyRing(FakeKeyEncryption(kept=["kek-1"]), random=bytes)
        await ring.begin()
        ready = AppendPreparer(secrets=Secrets(ring, BlindIndex(bytes(32))), data_keys=self.session, random=os.urandom)
        request = AppendRequest(
            entry_id=EntryId(os.urandom(16).hex()),
            type=EntryType.CONTENT_OPENED,
            idempotency=Idempotency("service:notifier", name, name.encode()),
            answer=Answer(201, {}),
        )
        try:
            return await writer.queue.submit(await ready.prepare(request))
        except Unavailable as refused:
            self.refusals.append(refused.detail)
            return None

    async def until_answered(self, writer: Writer, name: str) -> Appended:
        """Ask again and again."""
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await self.once(writer, name)) is None:
                await asyncio.sleep(0)
            return answer

    def types(self) -> list[EntryType]:
        """Return the types of the entries that are committed."""
        return [parse_entry(leaf).type for leaf in self.session.leaves]
