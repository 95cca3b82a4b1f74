"""The sequencer at work on several batches at once: what it answers when, and what becomes of a refused batch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

import orjson
import pytest

from services.ledger.append_entries import LARGEST_BATCH, Sequencer, batch_size
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.domain.plan import Plan, WriterState
from services.ledger.domain.sealing import WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.ports import CommittedBatch, FoundAnswer, Guarded, Head, LookedUp
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


async def test_a_commit_that_fails_at_once_ends_the_term_though_nothing_else_arrives() -> None:
    async with desk() as at:
        at.log.failure = Unavailable("the disk is full", outcome_unknown=True)
        at.log.may_commit.set()
        asked = await at.ask("a")
        assert at.running.done()
        with pytest.raises(Unavailable, match="whether this was recorded is not known yet"):
            await asked


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


async def test_a_damaged_answer_fails_its_own_repeat_and_nobody_elses() -> None:
    async with desk() as at:
        at.guard.may_remember.set()
        at.log.may_commit.set()
        await at.has_answered("damaged", wrapped=WrappedKey("kek-1", b"damaged"))
        at.keys.rows = {key_id: WrappedKey("kek-1", b"damaged") for key_id in at.keys.rows}
        await at.has_answered("damaged too", wrapped=next(iter(at.keys.rows.values())))
        (token,) = [token for token, found in at.log.answers.items() if found.entry_id == entry_id("damaged too")]
        damage = IntegrityFailure("a stored answer is not one that this ledger gave")
        at.log.answers[token] = replace(at.log.answers[token], opened=damage)
        asked = [await at.ask(name) for name in ("a", "damaged", "damaged too", "b")]
        assert [(await asked[number]).position for number in (0, 3)] == [0, 1]
        for each in asked[1:3]:
            with pytest.raises(IntegrityFailure):
                await each
        assert not at.running.done()


async def test_a_key_that_was_wrapped_anew_since_it_was_looked_up_is_read_again() -> None:
    async with desk() as at:
        await at.has_answered("a", wrapped=WrappedKey("kek-0", b"under a key that has been destroyed"))
        at.guard.may_remember.set()
        repeated = await (await at.ask("a"))
        assert (repeated.answer, repeated.repeated) == (b"as before", True)


async def test_a_key_that_was_destroyed_since_it_was_looked_up_leaves_the_answer_to_its_idempotency_key() -> None:
    async with desk() as at:
        await at.has_answered("a", wrapped=WrappedKey("kek-0", b"under a key that has been destroyed"))
        at.keys.rows.clear()
        at.guard.may_remember.set()
        assert (await (await at.ask("a"))).repeated


def test_a_batch_is_half_of_all_that_wait_or_are_committed_within_bounds() -> None:
    assert [batch_size(waiting=waiting, beside=beside) for waiting, beside in ((64, 0), (32, 32), (3, 0))] == [
        32,
        32,
        8,
    ]
    assert batch_size(waiting=5_000, beside=500) == LARGEST_BATCH
