"""Several processes of which one serves at a time: a call finds the one that does, within the time of one call."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

import structlog

from shared.errors import Unavailable
from shared.process.peer import Peer
from shared.process.remote import Unreachable

PAUSE_S = 0.25
"""Between one round of all addresses and the next: a standby takes over within a second or two."""

NOT_HERE = frozenset({"standing-by", "not-writing"})
"""The codes by which a process says that it did nothing, and that another one may."""

Reply = TypeVar("Reply")

log = structlog.get_logger()


class Failover:
    """Implements Peer over several processes that stand in for one another.

    A call goes to whichever served last. From one that cannot be reached, or says that it did nothing because another
    may be serving, it goes to the next at once, and around again until ``timeout_s`` is over, so that a takeover looks
    like a slow call. One whose outcome is unknown is repeated only if its path is in ``repeatable``: there the same
    bytes have the same effect however often they come. Whatever else is answered is the answer.

    Raises Unavailable when nobody serves in time; with ``outcome_unknown`` when any attempt may have had its effect.
    """

    def __init__(self, peers: Sequence[Peer], *, timeout_s: float, repeatable: Collection[str]) -> None:
        self._peers = peers
        self._timeout_s = timeout_s
        self._repeatable = frozenset(repeatable)
        self._first = 0
        self._served_last = 0

    @property
    def timeout_s(self) -> float:
        """How long one call may take, over all addresses together."""
        return self._timeout_s

    async def close(self) -> None:
        """Close the connections to all of them."""
        for peer in self._peers:
            await peer.close()

    async def call(self, path: str, message: object, reply: type[Reply]) -> Reply:
        """Return the reply of the process that serves. Raises what it answered, or Unavailable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        outcome_unknown, why = False, ""
        while True:
            for index in self._in_turn():
                try:
                    async with asyncio.timeout_at(deadline):
                        answer = await self._peers[index].call(path, message, reply)
                except TimeoutError as error:
                    self._leave(index)
                    raise Unavailable("the other process did not answer", outcome_unknown=True) from error
                except Unavailable as error:
                    nothing_done = isinstance(error, Unreachable) or error.code in NOT_HERE
                    if nothing_done or error.outcome_unknown:
                        self._leave(index)
                    may_go_on = nothing_done or (error.outcome_unknown and path in self._repeatable)
                    outcome_unknown = outcome_unknown or error.outcome_unknown
                    if error.code != "standing-by":
                        why = f": {error.detail}"
                    if not may_go_on:
                        error.outcome_unknown = outcome_unknown
                        raise
                else:
                    self._serves(index)
                    return answer
            if loop.time() + PAUSE_S >= deadline:
                raise Unavailable(
                    f"none of the processes that may serve does so now{why}",
                    remedy="Send the same request again in a few seconds.",
                    outcome_unknown=outcome_unknown,
                )
            await asyncio.sleep(PAUSE_S)

    def _in_turn(self) -> Iterator[int]:
        count, first = len(self._peers), self._first
        return ((first + ordinal) % count for ordinal in range(count))

    def _leave(self, index: int) -> None:
        # Only from the one that failed: another call may have found the one that serves meanwhile.
        if self._first == index:
            self._first = (index + 1) % len(self._peers)

    def _serves(self, index: int) -> None:
        self._first = index
        if self._served_last != index:
            self._served_last = index
            log.info("served_by_another", ordinal=index)
