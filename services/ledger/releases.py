"""How far the ledger has been released, for those who wait for more."""

import asyncio
from collections.abc import Callable


class Releases:
    """The size last released. Waiting for more costs nothing until there is more."""

    def __init__(self) -> None:
        self._size = 0
        self._changed = asyncio.Event()

    def announce(self, size: int) -> None:
        """Say that the ledger has been released up to a size."""
        self._size = size
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again: this process may no longer be the one to wait at."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def beyond(self, position: int, *, within_s: float, waits: Callable[[], bool]) -> int:
        """Return the size once there is an entry after a position, ``within_s`` has passed, or ``waits`` is false."""
        try:
            async with asyncio.timeout(within_s):
                while self._size <= position + 1 and waits():
                    await self._changed.wait()
        except TimeoutError:
            return self._size
        return self._size
