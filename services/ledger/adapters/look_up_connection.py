"""The writer's other connection: what is committed is looked up on it while the session beside it commits."""

import asyncio

import asyncpg

from services.ledger.adapters.writer_session import (
    KEEP_ALIVE_WITHIN_S,
    KEEPALIVES,
    LOST,
    WRITER_ROLE,
    close,
)
from services.ledger.ports import WriterLost

WITHIN_S = 10.0
"""How long a look-up may take: everything else waits behind it, and hangs with it on a connection that was forgotten.

It takes milliseconds; a thousand random pages from a slow disk, after the database was started, take seconds. A look-up
that is given up has read pages that the next one finds in memory, so that terms do not end for ever.
"""

# Planning with unknown array lengths must never choose to scan the log.
_SETTINGS = {
    "application_name": "exchange-ledger-look-up",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    **KEEPALIVES,
}


class LookUpConnection:
    """One connection, used by one query at a time. That it is lost, or falls silent, ends the writer's term."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    async def connect(cls, dsn: str, *, password: str) -> "LookUpConnection":
        """Return a connection. Raises WriterLost when the database cannot be reached."""
        try:
            return cls(await asyncpg.connect(dsn, password=password, user=WRITER_ROLE, server_settings=_SETTINGS))
        except LOST as error:
            raise WriterLost from error

    async def fetch(self, query: str, *arguments: object, within_s: float = WITHIN_S) -> list[asyncpg.Record]:
        """Return the rows. Raises WriterLost when they do not come in time."""
        try:
            async with self._one_at_a_time:
                return await self._connection.fetch(query, *arguments, timeout=within_s)
        except LOST as error:
            raise WriterLost from error

    async def check(self) -> None:
        """Use the connection, so that nothing on the way to the database forgets it. Raises WriterLost once it is gone.

        While a query is under way it is in use already, and whoever asked finds out within WITHIN_S.
        """
        if not self._one_at_a_time.locked():
            await self.fetch("SELECT 1", within_s=KEEP_ALIVE_WITHIN_S)

    async def close(self) -> None:
        """Close the connection."""
        await close(self._connection)
