"""The sequencer at work on several batches at once: what it answers when, and what becomes of a refused batch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import orjson
import pytest

from services.ledger.append_entries import LARGEST_BATCH, Sequencer, batch_size
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import Plan, WriterState
from services.ledger.domain.sealing import WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.ports import CommittedBatch, Guarded, Head, LookedUp
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.request_queue import Queue
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput, Unavailable
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.messages import Answer, Appended, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.transparency.merkle import EMPTY
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeClock, FakeKeyEncryption


@dataclass
class FakeLog:
    """A log in memory that commits when it is let to, refuses entries by id, and knows no answers."""

    committed: list[CommittedBatch] = field(default_factory=list)
    refused: set[EntryId] = field(default_factory=set)
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)
    failure: ExchangeError | None = None

    async def win(self) -> bool:
        return True

    async def keep(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return None

    async def head(self) -> Head | None:
        return self.committed[-1].head if self.committed else None

    async def look_up(
        self,
        *,
        answer_tokens: Sequence[bytes],
        nonce_tokens: Sequence[bytes],
        children: Sequence[ChildRef],
        identifier_tokens: Sequence[bytes],
    ) -> LookedUp:
        return LookedUp({}, frozenset(), {}, {})

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


class NoKeys:
    """A store without data keys."""

    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        return None


@dataclass
class Desk:
    """A sequencer at work on fakes, and the requests made of it."""

    log: FakeLog
    guard: FakeGuard
    queue: Queue
    preparer: AppendPreparer
    running: asyncio.Task[None]

    async def ask(self, name: str) -> asyncio.Task[Appended]:
        """Make a request and go on once it waits."""
        request = AppendRequest(
            entry_id=entry_id(name),
            type=EntryType.CONTENT_OPENED,
            idempotency=Idempotency("service:notifier", name, name.encode()),
            answer=Answer(201, {"name": name}),
        )
        asked = asyncio.create_task(self.queue.submit(await self.preparer.prepare(request)))
        await settle()
        return asked


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
    ring = KeyRing(FakeKeyEncryption(), random=bytes)
    await ring.begin()
    preparer = AppendPreparer(secrets=Secrets(ring, BlindIndex(bytes(32))), data_keys=NoKeys(), random=bytes)
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
        yield Desk(log, guard, queue, preparer, running)
    finally:
        log.may_commit.set()
        guard.may_remember.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_nobody_is_answered_before_the_guard_remembers_however_far_commits_have_gone() -> None:
    async with desk() as at:
        at.log.may_commit.set()
        first = await at.ask("a")
        second = await at.ask("b")
        assert [len(batch.entries) for batch in at.log.committed] == [1, 1]
        assert not first.done()
        assert not second.done()
        at.guard.may_remember.set()
        assert [(await each).position for each in (first, second)] == [0, 1]
        assert at.guard.remembered == [1, 2]


@pytest.mark.parametrize("turns", range(8))
async def test_however_late_the_term_is_ended_after_a_commit_failed_whoever_waits_is_told_why(turns: int) -> None:
    """The session's end is noticed beside the failure, a moment sooner or later."""
    async with desk() as at:
        asked = await at.ask("a")
        at.log.failure = Unavailable("the disk is full", outcome_unknown=True)
        at.log.may_commit.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        at.running.cancel()
        await settle()
        assert asked.done()
        with pytest.raises(Unavailable, match="whether this was recorded is not known yet") as refused:
            await asked
        assert refused.value.outcome_unknown


async def test_a_guard_that_fails_lets_nobody_go_and_ends_the_term() -> None:
    async with desk() as at:
        at.log.may_commit.set()
        asked = [await at.ask(name) for name in ("a", "b", "c")]
        at.guard.fails = True
        at.guard.may_remember.set()
        for each in asked:
            with pytest.raises(Unavailable) as refused:
                await each
            assert refused.value.outcome_unknown
        with pytest.raises(IntegrityFailure):
            await at.running


async def test_a_repeat_of_what_is_being_committed_gets_the_original_bytes() -> None:
    async with desk() as at:
        original = await at.ask("a")
        repeat = await at.ask("a")
        at.log.may_commit.set()
        at.guard.may_remember.set()
        first, again = await original, await repeat
        assert (again.position, again.status, again.answer) == (first.position, first.status, first.answer)
        assert (first.repeated, again.repeated) == (False, True)
        assert sum(len(batch.entries) for batch in at.log.committed) == 1


async def test_what_was_decided_on_a_refused_batch_is_decided_again() -> None:
    async with desk() as at:
        at.guard.may_remember.set()
        at.log.refused.add(entry_id("bad"))
        bad = await at.ask("bad")
        good = [await at.ask(name) for name in ("a", "b")]
        at.log.may_commit.set()
        with pytest.raises(InvalidInput):
            await bad
        answers = [await each for each in good]
        assert [answer.position for answer in answers] == [0, 1]
        said = [orjson.loads(orjson.loads(answer.answer)["receipt"]["entry"])["position"] for answer in answers]
        assert said == [0, 1]


async def test_of_a_refused_batch_only_the_one_at_fault_fails() -> None:
    async with desk() as at:
        at.guard.may_remember.set()
        at.log.refused.add(entry_id("bad"))
        await at.ask("first")
        asked = [await at.ask(name) for name in ("a", "bad", "b")]
        at.log.may_commit.set()
        outcomes: list[Position | ExchangeError] = []
        for each in asked:
            try:
                outcomes.append((await each).position)
            except ExchangeError as error:
                outcomes.append(error)
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], InvalidInput)
        assert outcomes[2] == 2


def test_a_batch_is_half_of_all_that_wait_or_are_committed_within_bounds() -> None:
    assert [batch_size(waiting=waiting, beside=beside) for waiting, beside in ((64, 0), (32, 32), (3, 0))] == [
        32,
        32,
        8,
    ]
    assert batch_size(waiting=5_000, beside=500) == LARGEST_BATCH
