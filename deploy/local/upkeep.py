"""Keeping a machine's own database up: started again when it dies, as the services are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.supervisor import restart_delay_s
from shared.errors import Unavailable

LOOK_EVERY_S = 1.0


@asynccontextmanager
async def kept_up(postgres: EmbeddedPostgres | None, *, announce: Callable[[str], None]) -> AsyncIterator[None]:
    """Start a database again whenever it is found dead, until the block is left. None is somebody else's, and left be.

    It tries for ever, with growing pauses: one that died because its disk was full comes back once there is room. While
    it starts, the caller's event loop waits.
    """
    keeping = asyncio.create_task(_keep_up(postgres, announce)) if postgres is not None else None
    try:
        yield
    finally:
        if keeping is not None:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


async def _keep_up(postgres: EmbeddedPostgres, announce: Callable[[str], None]) -> None:
    failures = 0
    while True:
        await asyncio.sleep(restart_delay_s(failures) if failures else LOOK_EVERY_S)
        if postgres.is_alive:
            failures = 0
            continue
        announce(f"the database has ended; starting it again. See {postgres.log_file}")
        try:
            # Not in another thread: the kernel ends the server when the thread that started it ends.
            postgres.start()
        except Unavailable as error:
            failures += 1
            announce(error.detail)
