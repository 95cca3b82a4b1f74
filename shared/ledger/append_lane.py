"""The lane that carries appends to the ledger: each at once while few are under way, else several in one call."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from shared.errors import ExchangeError, Unavailable
from shared.ledger.messages import MOST_APPENDS_IN_A_CALL, Appended, AppendMany, AppendOutcome, AppendRequest
from shared.process.failover import NOT_HERE
from shared.process.peer import Peer
from shared.process.remote import error_of, failure_of

CALLS_AT_ONCE = 4
LARGEST_CALL_BYTES = 1024 * 1024
"""Half of what a message may hold. A larger append goes by itself, and is judged by itself."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    encoded: bytes
    done: asyncio.Future[Appended | None]
    """None when the process that was asked could not say: it did not serve, or lost its database meanwhile."""

    def settle(self, outcome: Appended | ExchangeError | None) -> None:
        # Whoever was cancelled no longer waits.
        if self.done.done():
            return
        if isinstance(outcome, ExchangeError):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class AppendLane:
    """Appends by many tasks of one event loop, in few calls: a call costs more than what it carries.

    Each append has its own outcome. What fails a call (no connection, no answer) fails every append in it, as it would
    have failed each alone. Cancelling one that still waits keeps it from being sent, and cancelling one that is carried
    with others leaves them alone. None waits longer than ``timeout_s`` for its outcome.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._calls = 0
        self._waiting: deque[_Waiting] = deque()
        self._carrying: set[asyncio.Task[None]] = set()

    async def append(self, request: AppendRequest) -> Appended:
        """Return the outcome of one append. Raises the ExchangeError that it was refused with, or Unavailable."""
        if self._calls < CALLS_AT_ONCE:
            self._calls += 1
            try:
                return await self._peer.call("/append", request, Appended)
            finally:
                self._ended()
        waiting = _Waiting(msgspec.msgpack.encode(request), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(self._peer.timeout_s):
                outcome = await waiting.done
                return outcome if outcome is not None else await self._once_more(request)
        except TimeoutError as error:
            raise Unavailable("the other process did not answer", outcome_unknown=True) from error

    async def _once_more(self, request: AppendRequest) -> Appended:
        # As a call of its own it may find another process, which a call that was answered no longer does.
        try:
            return await self._peer.call("/append", request, Appended)
        except Unavailable as error:
            # Whatever this attempt came to, the one before may have been recorded.
            error.outcome_unknown = True
            raise

    async def close(self) -> None:
        """Answer what waits, close the connections, and return when no call is under way."""
        waiting, self._waiting = self._waiting, deque()
        for each in waiting:
            each.settle(Unavailable("the connection to the ledger was closed before this was sent"))
        await self._peer.close()
        await asyncio.gather(*self._carrying)

    def _ended(self) -> None:
        """Let what waits take the place of a call that has ended."""
        self._calls -= 1
        batch = self._next_batch()
        if batch:
            self._calls += 1
            carrying = asyncio.create_task(self._carry(batch))
            self._carrying.add(carrying)
            carrying.add_done_callback(self._carrying.discard)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size_bytes = 0
        while self._waiting and len(batch) < MOST_APPENDS_IN_A_CALL:
            size_bytes += len(self._waiting[0].encoded)
            if batch and size_bytes > LARGEST_CALL_BYTES:
                break
            waiting = self._waiting.popleft()
            if not waiting.done.done():
                batch.append(waiting)
        return batch

    async def _carry(self, batch: Sequence[_Waiting]) -> None:
        message = AppendMany(tuple(msgspec.Raw(each.encoded) for each in batch))
        outcomes: Sequence[Appended | ExchangeError | None]
        try:
            replies = await self._peer.call("/append-many", message, tuple[AppendOutcome, ...])
            if len(replies) != len(batch):
                raise Unavailable(
                    "the ledger gave another number of outcomes than were asked for", outcome_unknown=True
                )
            outcomes = [_outcome(reply) for reply in replies]
        except ExchangeError as error:
            # Each its own: one error raised in many tasks would gather the traces of all of them.
            outcomes = [error_of(failure_of(error)) for _ in batch]
        finally:
            self._ended()
        for each, outcome in zip(batch, outcomes, strict=True):
            each.settle(outcome)


def _outcome(reply: AppendOutcome) -> Appended | ExchangeError | None:
    if reply.appended is not None:
        return reply.appended
    if reply.failure is None or reply.failure.outcome_unknown or reply.failure.code in NOT_HERE:
        return None
    return error_of(reply.failure)
