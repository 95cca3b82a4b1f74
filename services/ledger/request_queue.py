"""Requests that wait for the one writer, and what they hear while there is none."""

import asyncio
from dataclasses import dataclass, field

from services.ledger.domain.plan import Prepared
from services.ledger.domain.standing import NotWriting
from shared.errors import ExchangeError, Unavailable
from shared.ledger.messages import Appended

LONGEST_QUEUE = 10_000


@dataclass(slots=True)
class Waiting:
    """A request, and whoever waits for what becomes of it."""

    prepared: Prepared
    done: asyncio.Future[Appended]

    def settle(self, outcome: Appended | ExchangeError) -> None:
        """Answer it."""
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

    _waiting: list[Waiting] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _open: bool = False
    _why_not: str = "it is not the writer yet"

    @property
    def is_open(self) -> bool:
        """Whether requests are taken: this process is the writer."""
        return self._open

    def open(self) -> None:
        """Begin to take requests."""
        self._open = True

    def close(self, why: str) -> None:
        """Stop taking requests. Those that wait and those that come are refused and told why; nothing is done for them.

        ``why`` completes *the ledger cannot write now*.
        """
        self._open, self._why_not = False, why
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.settle(NotWriting(why))

    async def submit(self, prepared: Prepared) -> Appended:
        """Wait for the outcome of a request. Cancelling the wait does not cancel the request.

        Raises the error it was refused with, or NotWriting when there is no writer here.
        """
        if not self._open:
            raise NotWriting(self._why_not)
        if len(self._waiting) >= LONGEST_QUEUE:
            raise Unavailable("too many requests wait for the ledger", remedy="Send the same request again later.")
        return await self.submit_own(prepared)

    async def submit_own(self, prepared: Prepared) -> Appended:
        """Do the same for an entry of the writer's own, which comes before the queue is opened to anybody else."""
        each = Waiting(prepared, asyncio.get_running_loop().create_future())
        self._waiting.append(each)
        self._arrived.set()
        return await each.done

    @property
    def waiting_count(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    async def arrival(self) -> None:
        """Return once there is a request to take."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()

    def take(self, count: int) -> list[Waiting]:
        """Return the first ``count`` of those that wait, in order of arrival."""
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken
