"""Decide again for as long as the child's record moves on between looking and appending."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from shared.errors import Conflict, Unavailable
from shared.ledger.messages import Appended

# Long enough for the notifier to write what many concerns about one child led to; far shorter than a caller waits.
PATIENCE_S = 10.0
FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.2


async def until_settled(decide_and_append: Callable[[], Awaitable[Appended]]) -> Appended:
    """Return what was appended, having looked and decided anew each time that the child's record had moved on.

    Pauses are of random length and grow, so that those who write about one child make room for each other. Raises
    Unavailable after ten seconds of it, and whatever else ``decide_and_append`` raises at once.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    pause = FIRST_PAUSE_S
    while True:
        try:
            return await decide_and_append()
        except Conflict as conflict:
            if conflict.code != "version-conflict":
                raise
        if loop.time() >= until:
            raise Unavailable("the child's record is changing too fast", remedy="Send the same request again.")
        await asyncio.sleep(random.uniform(0, pause))  # noqa: S311
        pause = min(2 * pause, LONGEST_PAUSE_S)
