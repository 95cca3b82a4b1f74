"""The sequencer: one task that turns waiting requests into entries, a whole batch to a commit."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from services.ledger.domain.plan import (
    Becomes,
    Known,
    Outcome,
    Plan,
    Prepared,
    Recent,
    Repeat,
    SameAs,
    StoredAnswer,
    WriterState,
)
from services.ledger.domain.receipts import answer_bytes
from services.ledger.domain.sequencing import decide_batch
from services.ledger.ports import CommittedBatch, Guard, Head, Log, LookedUp, WriterLost
from services.ledger.prepare_append import AppendPreparer
from shared.clock import Clock
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput, Unavailable
from shared.ledger.messages import Appended
from shared.transparency.merkle import grow

LARGEST_BATCH = 512
LONGEST_QUEUE = 10_000

log = structlog.get_logger()


@dataclass(slots=True)
class _Waiting:
    prepared: Prepared
    done: asyncio.Future[Appended]

    def settle(self, outcome: Appended | ExchangeError) -> None:
        # A handler that was cancelled no longer waits; its entry stands all the same.
        if self.done.done():
            return
        if isinstance(outcome, Appended):
            self.done.set_result(outcome)
        else:
            self.done.set_exception(outcome)


@dataclass(slots=True)
class Queue:
    """Requests waiting for the sequencer. Open only while this process is the elected writer."""

    _waiting: list[_Waiting] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _open: bool = False

    @property
    def is_open(self) -> bool:
        """Whether requests are taken: this process is the writer."""
        return self._open

    def open(self) -> None:
        """Begin to take requests."""
        self._open = True

    def close(self, reason: ExchangeError) -> None:
        """Stop taking requests, and answer those that wait with ``reason``: nothing was done for them."""
        self._open = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.settle(reason)

    async def submit(self, prepared: Prepared) -> Appended:
        """Wait for the outcome of a request. Cancelling the wait does not cancel the request.

        Raises the error it was refused with, or Unavailable when there is no writer here.
        """
        if not self._open:
            raise Unavailable("the ledger cannot write now", remedy="Send the same request again in a few seconds.")
        if len(self._waiting) >= LONGEST_QUEUE:
            raise Unavailable("too many requests wait for the ledger", remedy="Send the same request again later.")
        each = _Waiting(prepared, asyncio.get_running_loop().create_future())
        self._waiting.append(each)
        self._arrived.set()
        return await each.done

    async def take(self) -> list[_Waiting]:
        """Return all that wait, in order of arrival, at most a batch; waits until there is one."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        taken, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        return taken


class Sequencer:
    """The one writer at work. Run by whoever holds the log; ends when it loses it.

    G1: a request is answered only after its batch is durable and the guard remembers its head. G3: positions
    follow commit order without gaps.
    """

    def __init__(
        self,
        *,
        state: WriterState,
        writer: Log,
        guard: Guard,
        preparer: AppendPreparer,
        clock: Clock,
        sign_head: Callable[[int, bytes], bytes],
        released: Callable[[Head, Plan], None],
    ) -> None:
        self._state = state
        self._log = writer
        self._guard = guard
        self._preparer = preparer
        self._clock = clock
        self._sign_head = sign_head
        self._released = released
        self._recent = Recent()
        self._under_way: list[_Waiting] = []

    async def run(self, queue: Queue) -> None:
        """Serve the queue until cancelled, or until WriterLost or IntegrityFailure is raised.

        Looking up the next batch overlaps with committing the one before: the look-up cannot see it, so its effects
        are handed over in memory.
        """
        committing: asyncio.Task[None] | None = None
        try:
            while True:
                waiting = await self._next_batch(queue, committing)
                self._under_way.extend(waiting)
                looked_up = await self._look_up(waiting)
                if committing is not None:
                    await committing
                plan = self._decide(waiting, looked_up)
                committing = asyncio.create_task(self._carry_out(waiting, plan))
                # Give the commit its start, so that what arrives meanwhile becomes the next batch.
                await asyncio.sleep(0)
        except (WriterLost, IntegrityFailure):
            self._abandon()
            raise
        finally:
            if committing is not None and not committing.done():
                await asyncio.wait([committing])
            self._abandon()

    async def _next_batch(self, queue: Queue, committing: asyncio.Task[None] | None) -> list[_Waiting]:
        """Return the next batch; a commit that fails meanwhile raises at once, since those in it are waiting."""
        taking = asyncio.create_task(queue.take())
        try:
            if committing is not None:
                await asyncio.wait([taking, committing], return_when=asyncio.FIRST_COMPLETED)
                if committing.done():
                    committing.result()
            return await taking
        finally:
            taking.cancel()

    def _abandon(self) -> None:
        unknown = Unavailable(
            "the ledger lost its database while writing; whether this was recorded is not known yet",
            remedy="Send the same request again with the same Idempotency-Key.",
            outcome_unknown=True,
        )
        under_way, self._under_way = self._under_way, []
        for each in under_way:
            each.settle(unknown)

    async def _look_up(self, waiting: Sequence[_Waiting]) -> LookedUp:
        prepared = [each.prepared for each in waiting]
        looked_up = await self._log.look_up(
            answer_tokens=[each.answer_token for each in prepared],
            nonce_tokens=[each.nonce_token for each in prepared if each.nonce_token is not None],
            children=list({each.child_ref for each in prepared if each.child_ref is not None and not each.key_is_new}),
            identifier_tokens=[token.token for each in prepared for token in each.identifiers if token.identifying],
        )
        return await self._preparer.with_keys_opened(looked_up)

    def _decide(self, waiting: Sequence[_Waiting], looked_up: LookedUp) -> Plan:
        answers: dict[tuple[bytes, bytes], StoredAnswer | Unavailable] = {}
        for each in waiting:
            found = looked_up.answers.get(each.prepared.answer_token)
            if found is not None:
                same = self._preparer.same_request(each.prepared, found)
                answers[each.prepared.answer_token, each.prepared.digest] = (
                    same if isinstance(same, Unavailable) else found.judged(same_request=same)
                )
        return decide_batch(
            [each.prepared for each in waiting],
            state=self._state,
            known=Known(answers, looked_up.nonces, looked_up.versions, looked_up.identified),
            recent=self._recent,
            now=self._clock.now(),
        )

    async def _carry_out(self, waiting: Sequence[_Waiting], plan: Plan) -> None:
        """Commit a plan and answer everybody in it."""
        bodies: list[bytes] = []
        if plan.entries:
            growth = grow(self._state.frontier, [planned.leaf_hash for planned in plan.entries])
            checkpoint = self._sign_head(growth.frontier.size, growth.root)
            bodies = [
                answer_bytes(planned, path=path, checkpoint=checkpoint)
                for planned, path in zip(plan.entries, growth.paths, strict=True)
            ]
            head = Head(growth.frontier.size, growth.frontier, checkpoint)
            try:
                await self._log.commit(CommittedBatch(self._state.frontier.size, head, plan.entries, bodies))
            except InvalidInput as refusal:
                await self._one_by_one(waiting, refusal)
                return
            await self._guard.remember(head)
            self._state = WriterState(growth.frontier, plan.time, plan.registry)
            self._released(head, plan)
        self._recent = recent_of(plan, bodies)
        for each, outcome in zip(waiting, plan.outcomes, strict=True):
            each.settle(_answer(outcome, plan, bodies))
        self._settled(waiting)

    async def _one_by_one(self, waiting: Sequence[_Waiting], refusal: InvalidInput) -> None:
        """Carry a refused batch out request by request, so that only the one at fault fails."""
        log.warning("batch_refused", requests=len(waiting))
        if len(waiting) == 1:
            waiting[0].settle(refusal)
            self._settled(waiting)
            return
        for each in waiting:
            await self._carry_out([each], self._decide([each], await self._look_up([each])))

    def _settled(self, waiting: Sequence[_Waiting]) -> None:
        done = {id(each) for each in waiting}
        self._under_way = [each for each in self._under_way if id(each) not in done]


def recent_of(plan: Plan, bodies: Sequence[bytes]) -> Recent:
    """Return what a plan adds, for the batch after it, whose look-up cannot see it yet."""
    answers = {}
    for planned, body in zip(plan.entries, bodies, strict=True):
        if planned.answers:
            stored = StoredAnswer(
                planned.entry.position,
                planned.entry.id,
                planned.prepared.request.answer.status,
                body,
                same_request=None,
            )
            answers[planned.prepared.answer_token] = (stored, planned.prepared.digest)
    return Recent(
        answers=answers,
        nonces=frozenset(
            planned.prepared.nonce_token for planned in plan.entries if planned.prepared.nonce_token is not None
        ),
        versions={subject.ref: subject.version for planned in plan.entries for subject in planned.entry.subjects},
        identified={
            identifier.token: planned.prepared.child_ref
            for planned in plan.entries
            for identifier in planned.new_identifiers
            if identifier.identifying and planned.prepared.child_ref is not None
        },
    )


def _answer(outcome: Outcome, plan: Plan, bodies: Sequence[bytes]) -> Appended | ExchangeError:
    if isinstance(outcome, Repeat):
        return Appended(outcome.stored.position, outcome.stored.status, outcome.stored.body, repeated=True)
    if isinstance(outcome, Becomes | SameAs):
        planned = plan.entries[outcome.ordinal]
        return Appended(
            planned.entry.position,
            planned.prepared.request.answer.status,
            bodies[outcome.ordinal],
            repeated=isinstance(outcome, SameAs),
        )
    return outcome
