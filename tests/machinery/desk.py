"""A sequencer at work on fakes that commit and remember when they are let to, and the requests made of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from services.ledger.append_entries import Sequencer
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import Plan, WriterState
from services.ledger.domain.sealing import WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.ports import CommittedBatch, FoundAnswer, Guarded, Head, LookedUp
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.request_queue import Queue
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.messages import Answer, Appended, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.transparency.merkle import EMPTY
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeClock, FakeKeyEncryption


@dataclass
class FakeLog:
    """A log in memory that commits when it is let to, refuses entries by id, and knows the answers that it is given."""

    committed: list[CommittedBatch] = field(default_factory=list)
    refused: set[EntryId] = field(default_factory=set)
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)
    failure: ExchangeError | None = None
    answers: dict[bytes, FoundAnswer] = field(default_factory=dict)

    async def win(self) -> bool:
        return True

    async def keep(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None

    async def head(self) -> Head | None:
        return self.committed[-1].head if self.committed else None

    async def time(self) -> datetime:
        return START

    async def look_up(
        self,
        *,
        answer_tokens: Sequence[bytes],
        nonce_tokens: Sequence[bytes],
        children: Sequence[ChildRef],
        identifier_tokens: Sequence[bytes],
    ) -> LookedUp:
        found = {token: self.answers[token] for token in answer_tokens if token in self.answers}
        return LookedUp(found, frozenset(), {}, {})

    async def commit(self, batch: CommittedBatch) -> None:
        await self.may_commit.wait()
        if self.failure is not None:
            raise self.failure
        if any(planned.entry.id in self.refused for planned in batch.entries):
            raise InvalidInput("the database refused a value")
        assert batch.previous_size == sum(len(each.entries) for each in self.committed)
        self.committed.append(batch)


@dataclass
class FakeGuard:
    """A guard that remembers when it is let to, or fails."""

    remembered: list[int] = field(default_factory=list)
    may_remember: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False

    def recall(self) -> Guarded | None:
        return None

    async def remember(self, head: Head) -> None:
        await self.may_remember.wait()
        if self.fails:
            raise IntegrityFailure("the guard's disk is full")
        self.remembered.append(head.size)


@dataclass
class StoredKeys:
    """The stored data keys: none, unless some are put there."""

    rows: dict[str, WrappedKey] = field(default_factory=dict)

    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        return self.rows.get(key_id)


@dataclass
class Desk:
    """A sequencer at work on fakes, and the requests made of it."""

    log: FakeLog
    guard: FakeGuard
    queue: Queue
    preparer: AppendPreparer
    keeper: FakeKeyEncryption
    keys: StoredKeys
    running: asyncio.Task[None]

    async def ask(self, name: str) -> asyncio.Task[Appended]:
        """Make a request and go on once it waits."""
        asked = asyncio.create_task(self.queue.submit(await self.preparer.prepare(request(name))))
        await settle()
        return asked

    async def has_answered(self, name: str, *, wrapped: WrappedKey) -> None:
        """Let the log know an answer to a request; ``wrapped`` is how its key is looked up."""
        prepared = await self.preparer.prepare(request(name))
        key_id = prepared.data_key.id
        self.keys.rows[key_id] = prepared.data_key.wrapped
        self.log.answers[prepared.answer_token] = FoundAnswer(
            Position(7), prepared.request.entry_id, 201, b"as before", prepared.fingerprint, key_id, wrapped
        )


def request(name: str) -> AppendRequest:
    """Return the request of that name."""
    return AppendRequest(
        entry_id=entry_id(name),
        type=EntryType.CONTENT_OPENED,
        idempotency=Idempotency("service:notifier", name, name.encode()),
        answer=Answer(201, {"name": name}),
    )


def entry_id(name: str) -> EntryId:
    """Return the entry id that goes with a name."""
    return EntryId(sha256(name.encode()).hexdigest()[:32])


async def settle() -> None:
    """Let everything go on that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """Give a sequencer on an empty log."""
    log, guard, queue = FakeLog(), FakeGuard(), Queue()
    keeper, keys = FakeKeyEncryption(), StoredKeys()
    ring = KeyRing(keeper, random=bytes)
    await ring.begin()
    preparer = AppendPreparer(secrets=Secrets(ring, BlindIndex(bytes(32))), data_keys=keys, random=bytes)
    released: list[Plan] = []
    sequencer = Sequencer(
        state=WriterState(EMPTY, START, Registry()),
        writer=log,
        guard=guard,
        preparer=preparer,
        clock=FakeClock(),
        sign_head=lambda size, root: b"note %d %s\n" % (size, root.hex().encode()),
        released=lambda _head, plan: released.append(plan),
    )
    queue.open()
    running = asyncio.create_task(sequencer.run(queue))
    try:
        yield Desk(log, guard, queue, preparer, keeper, keys, running)
    finally:
        log.may_commit.set()
        guard.may_remember.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
