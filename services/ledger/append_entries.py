"""The sequencer: one task that turns waiting requests into entries, a whole batch to a commit."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.ledger.domain.outcomes import answer_to, recent_of
from services.ledger.domain.plan import Known, Plan, Recent, StoredAnswer, WriterState
from services.ledger.domain.receipts import answer_bytes, stored_answer
from services.ledger.domain.sequencing import decide_batch
from services.ledger.ports import CommittedBatch, Guard, Head, Log, LookedUp, WriterLost
from services.ledger.prepare_append import AppendPreparer
from services.ledger.request_queue import Queue, Waiting
from shared.clock import Clock
from shared.errors import ExchangeError, InvalidInput, Unavailable
from shared.identifiers import Position
from shared.transparency.merkle import Growth, grow

LARGEST_BATCH = 512
SMALLEST_SHARE = 8

log = structlog.get_logger()


def batch_size(*, waiting: int, beside: int) -> int:
    """Return how many requests to take while ``beside`` others are being committed: half of all, within bounds.

    Callers that each wait for their answer before they ask again would otherwise fall into step: all of them in one
    batch, and this process idle while the database works and the other way round. Two batches of half the size, taken
    in turns, keep both at work.
    """
    return min(max((waiting + beside + 1) // 2, SMALLEST_SHARE), LARGEST_BATCH)


def why_not(ended: BaseException | None) -> str:
    """Return what is said of a term that ended with this; it completes *the ledger cannot write now*."""
    if isinstance(ended, Unavailable):
        return ended.detail
    return "it has lost its database" if isinstance(ended, WriterLost) else "it is not the writer any more"


async def _ended(task: asyncio.Task[bool] | asyncio.Task[None] | None) -> None:
    """Return once a task has ended, whatever came of it, and however often whoever waits here is cancelled meanwhile.

    A commit's failure and the loss of the session come at the same moment: the second must not cut short what has to
    be done about the first.
    """
    if task is None:
        return
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    if not task.cancelled():
        # Looked at, so that asyncio does not complain of a failure that nobody saw.
        task.exception()


@dataclass(frozen=True, slots=True)
class _Decided:
    """A batch with its plan, and the tree as it grows by it; ``before`` is where the log stands without it."""

    waiting: Sequence[Waiting]
    plan: Plan
    before: WriterState
    growth: Growth


class Sequencer:
    """The one writer at work. Run by whoever holds the log; ends when it loses it.

    ``why`` is what those are told whose requests are under way when it is cancelled, as ``why_not`` says it.

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
        self._under_way: list[Waiting] = []
        self._releasing: asyncio.Task[None] | None = None
        self._bodies_before: Mapping[Position, bytes] = {}
        self._going_back = False
        self.why = why_not(None)

    async def run(self, queue: Queue) -> None:
        """Serve the queue until cancelled, or until WriterLost, Unavailable or IntegrityFailure is raised.

        Looking up and deciding the next batch overlaps with committing the one before: the look-up cannot see it, so
        its effects are handed over in memory. Answering a batch overlaps with committing the one after. Nothing is
        signed before all that it covers but its own batch is durable.
        """
        committing: asyncio.Task[bool] | None = None
        beside = 0
        try:
            while True:
                await self._arrival(queue, committing)
                waiting = queue.take(batch_size(waiting=queue.waiting_count, beside=beside))
                self._under_way.extend(waiting)
                looked_up = await self._look_up(waiting)
                # Whoever cancels this must not cancel a commit.
                if committing is not None and self._going_back:
                    # A refused batch is being carried out one by one: nothing else may be decided before it is done.
                    await asyncio.shield(committing)
                    committing, self._going_back = None, False
                    looked_up = await self._look_up(waiting)
                decided = self._decide(waiting, looked_up)
                if committing is not None and not await asyncio.shield(committing):
                    # It was decided on a batch that did not become what it was to be.
                    self._going_back = False
                    decided = self._decide(waiting, await self._look_up(waiting))
                committing, beside = asyncio.create_task(self._commit(decided)), len(waiting)
                # Give the commit its start, so that what arrives meanwhile becomes the next batch.
                await asyncio.sleep(0)
        except (Unavailable, WriterLost) as error:
            self.why = why_not(error)
            raise
        finally:
            # What is durable is still answered; the rest is unknown. Nothing of this term may touch the guard later.
            await _ended(committing)
            await _ended(self._releasing)
            self._abandon()

    async def _arrival(self, queue: Queue, committing: asyncio.Task[bool] | None) -> None:
        """Return once a request waits; what fails meanwhile raises at once, since those in it are waiting."""
        arrival = asyncio.create_task(queue.arrival())
        try:
            while True:
                under_way = [task for task in (committing, self._releasing) if task is not None]
                # Before anything is waited for: it may have failed at once.
                for task in under_way:
                    if task.done():
                        task.result()
                if arrival.done():
                    return
                busy = [task for task in under_way if not task.done()]
                await asyncio.wait([arrival, *busy], return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()

    def _abandon(self) -> None:
        unknown = Unavailable(
            f"the ledger cannot write now: {self.why}; whether this was recorded is not known yet",
            remedy="Send the same request again with the same Idempotency-Key.",
            outcome_unknown=True,
        )
        under_way, self._under_way = self._under_way, []
        for each in under_way:
            each.settle(unknown)

    async def _look_up(self, waiting: Sequence[Waiting]) -> LookedUp:
        prepared = [each.prepared for each in waiting]
        looked_up = await self._log.look_up(
            answer_tokens=[each.answer_token for each in prepared],
            nonce_tokens=[each.nonce_token for each in prepared if each.nonce_token is not None],
            children=list({ref for each in prepared if (ref := each.known_child) is not None}),
            identifier_tokens=[token.token for each in prepared for token in each.identifiers if token.identifying],
        )
        return await self._preparer.with_keys_opened(looked_up)

    def _decide(self, waiting: Sequence[Waiting], looked_up: LookedUp) -> _Decided:
        """Decide a batch as if the one before it were committed, and go on from there."""
        answers: dict[tuple[bytes, bytes], StoredAnswer | ExchangeError] = {}
        for each in waiting:
            found = looked_up.answers.get(each.prepared.answer_token)
            if found is not None:
                same = self._preparer.same_request(each.prepared, found)
                answers[each.prepared.answer_token, each.prepared.said] = (
                    same if isinstance(same, ExchangeError) else found.judged(same_request=same)
                )
        before = self._state
        plan = decide_batch(
            [each.prepared for each in waiting],
            state=before,
            known=Known(answers, looked_up.nonces, looked_up.versions, looked_up.identified),
            recent=self._recent,
            now=self._clock.now(),
        )
        growth = grow(before.frontier, [planned.leaf_hash for planned in plan.entries])
        if plan.entries:
            self._state = WriterState(growth.frontier, plan.time, plan.registry, plan.stewardship)
        self._recent = recent_of(plan)
        return _Decided(waiting, plan, before, growth)

    async def _commit(self, decided: _Decided) -> bool:
        """Make a batch durable, and have it answered while the next one is committed.

        Returns whether it became what was planned; if not, all that was decided after it must be decided again.
        """
        plan, growth = decided.plan, decided.growth
        head: Head | None = None
        if plan.entries:
            head = Head(growth.frontier.size, growth.frontier, self._sign_head(growth.frontier.size, growth.root))
            stored = [
                stored_answer(planned, path=path) for planned, path in zip(plan.entries, growth.paths, strict=True)
            ]
            try:
                await self._log.commit(CommittedBatch(decided.before.frontier.size, head, plan.entries, stored))
            except InvalidInput as refusal:
                # Whatever is looked up from here on sees all that is committed.
                self._state, self._recent, self._going_back = decided.before, Recent(), True
                await self._one_by_one(decided.waiting, refusal)
                return False
        if self._releasing is not None:
            # One batch after the other, and none once the guard has failed.
            await self._releasing
        self._releasing = asyncio.create_task(self._release(decided, head))
        return True

    async def _release(self, decided: _Decided, head: Head | None) -> None:
        """Answer a durable batch once the guard remembers it (G1)."""
        plan, bodies = decided.plan, dict[Position, bytes]()
        if head is not None:
            await self._guard.remember(head)
            self._released(head, plan)
            for planned, path in zip(plan.entries, decided.growth.paths, strict=True):
                bodies[planned.entry.position] = answer_bytes(planned, path=path, checkpoint=head.checkpoint)
        for each, outcome in zip(decided.waiting, plan.outcomes, strict=True):
            each.settle(answer_to(outcome, plan=plan, bodies=bodies, bodies_before=self._bodies_before))
        self._bodies_before = bodies
        self._settled(decided.waiting)

    async def _one_by_one(self, waiting: Sequence[Waiting], refusal: InvalidInput) -> None:
        """Carry a refused batch out request by request, so that only the one at fault fails."""
        log.warning("batch_refused", requests=len(waiting))
        if len(waiting) == 1:
            waiting[0].settle(refusal)
            self._settled(waiting)
            return
        for each in waiting:
            await self._commit(self._decide([each], await self._look_up([each])))

    def _settled(self, waiting: Sequence[Waiting]) -> None:
        done = {id(each) for each in waiting}
        self._under_way = [each for each in self._under_way if id(each) not in done]
