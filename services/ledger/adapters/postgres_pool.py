"""Pools of connections to the ledger's database, one for each role."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg

ANSWER_WITHIN_S = 60.0
"""How long a statement may take before its connection counts as lost: far longer than any caller waits."""

# A connection keeps its plans: one made while a table was still small would go on reading all of it as it grows.
_SETTINGS = {"enable_seqscan": "off"}


async def _keep(_connection: object) -> None:
    """Leave a connection as it is between uses: nothing here changes its state, and resetting costs a round trip."""


@contextlib.asynccontextmanager
async def postgres_pool(
    dsn: str, *, user: str, password: str, size: int, within_s: float = ANSWER_WITHIN_S
) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """Give a pool of at most ``size`` connections to a database in one role; the first is made when it is needed.

    A table is read as a whole only where no index serves. A statement that takes longer than ``within_s`` raises
    TimeoutError.
    """
    pool = await asyncpg.create_pool(
        dsn,
        user=user,
        password=password,
        min_size=0,
        max_size=size,
        reset=_keep,
        command_timeout=within_s,
        server_settings=_SETTINGS,
    )
    try:
        yield pool
    finally:
        pool.terminate()
