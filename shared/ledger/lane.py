"""The lane that carries requests to the ledger: each at once while few are under way, else several in one call."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from shared.errors import ExchangeError, Unavailable
from shared.ledger.messages import MOST_IN_A_CALL, Outcome, Several
from shared.process.failover import NOT_HERE
from shared.process.peer import Peer
from shared.process.remote import error_of, failure_of

CALLS_AT_ONCE = 2
LARGEST_CALL_BYTES = 1024 * 1024
"""Half of what a message may hold. A larger request goes by itself, and is judged by itself."""

Request = TypeVar("Request")
Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Reply]):
    encoded: bytes
    done: asyncio.Future[Reply | None]
    """None when the process that was asked could not say: it did not serve, or lost its database meanwhile."""

    def settle(self, outcome: Reply | ExchangeError | None) -> None:
        # Whoever was cancelled no longer waits.
        if self.done.done():
            return
        if isinstance(outcome, ExchangeError):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)


class Lane(Generic[Request, Reply]):
    """Requests of one kind by many tasks of one event loop, in few calls: a call costs more than what it carries.

    ``alone`` is the path that takes one request, ``together`` the one that takes Several. Both must bear a repeat: a
    request whose outcome its ledger could not say goes once more. Each request has its own outcome; what fails a
    call (no connection, no answer) fails every request in it, as it would have failed each alone. Cancelling one that
    still waits keeps it from being sent, and cancelling one that is carried with others leaves them alone. None waits
    longer than ``timeout_s`` for its outcome.
    """

    def __init__(self, peer: Peer, *, alone: str, together: str, reply: type[Reply]) -> None:
        self._peer = peer
        self._alone = alone
        self._together = together
        self._reply = reply
        self._calls = 0
        self._waiting: deque[_Waiting[Reply]] = deque()
        self._carrying: set[asyncio.Task[None]] = set()

    async def carry(self, request: Request) -> Reply:
        """Return the reply to one request. Raises the ExchangeError that it was refused with, or Unavailable."""
        if self._calls < CALLS_AT_ONCE:
            self._calls += 1
            try:
                return await self._peer.call(self._alone, request, self._reply)
            finally:
                self._ended()
        done: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(msgspec.msgpack.encode(request), done)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(self._peer.timeout_s):
                outcome = await waiting.done
                return outcome if outcome is not None else await self._once_more(request)
        except TimeoutError as error:
            raise Unavailable("the other process did not answer", outcome_unknown=True) from error

    async def _once_more(self, request: Request) -> Reply:
        # As a call of its own it may find another process, which a call that was answered no longer does.
        try:
            return await self._peer.call(self._alone, request, self._reply)
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

    def _next_batch(self) -> list[_Waiting[Reply]]:
        batch: list[_Waiting[Reply]] = []
        size_bytes = 0
        while self._waiting and len(batch) < MOST_IN_A_CALL:
            size_bytes += len(self._waiting[0].encoded)
            if batch and size_bytes > LARGEST_CALL_BYTES:
                break
            waiting = self._waiting.popleft()
            if not waiting.done.done():
                batch.append(waiting)
        return batch

    async def _carry(self, batch: Sequence[_Waiting[Reply]]) -> None:
        message = Several(tuple(msgspec.Raw(each.encoded) for each in batch))
        # Where this ends in a way that nobody foresaw, each goes once more by itself, and hears what becomes of that.
        outcomes: Sequence[Reply | ExchangeError | None] = [None] * len(batch)
        try:
            replies = await self._peer.call(self._together, message, tuple[Outcome, ...])
            if len(replies) != len(batch):
                raise Unavailable(
                    "the ledger gave another number of outcomes than were asked for", outcome_unknown=True
                )
            outcomes = [self._outcome(reply) for reply in replies]
        except ExchangeError as error:
            # Each its own: one error raised in many tasks would gather the traces of all of them.
            outcomes = [error_of(failure_of(error)) for _ in batch]
        finally:
            self._ended()
            for each, outcome in zip(batch, outcomes, strict=True):
                each.settle(outcome)

    def _outcome(self, outcome: Outcome) -> Reply | ExchangeError | None:
        if outcome.reply is not None:
            try:
                return msgspec.msgpack.decode(outcome.reply, type=self._reply)
            except msgspec.MsgspecError:
                return None
        if outcome.failure is None or outcome.failure.outcome_unknown or outcome.failure.code in NOT_HERE:
            return None
        return error_of(outcome.failure)
