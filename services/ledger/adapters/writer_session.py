"""The one session with the database that may write the log: it holds the election lock, and lives and dies with it."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from services.ledger.ports import WriterLost
from shared.errors import Unavailable

WRITER_ROLE = "exchange_ledger_writer"
WRITER_LOCK = 0x5AFE_1ED6
"""Advisory lock number that elects the one writer of a database."""

KEEP_ALIVE_EVERY_S = 2.0
KEEP_ALIVE_WITHIN_S = 5.0
STATEMENT_WITHIN_S = 30.0

KEEPALIVES = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
"""The server's settings by which it finds out soon that the other side of a connection is gone."""

# The server ends the session of a writer that is frozen or cut off, and with the session its lock. What held the lock
# may then still be alive, and finds its connection gone before it can commit anything.
_SETTINGS = {"application_name": "exchange-ledger-writer", "idle_session_timeout": "10s", **KEEPALIVES}

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
"""What says that a statement's outcome is not known, when nothing more exact was said."""


class DatabaseFull(Unavailable):
    """The database's disk does not take what is to be committed. What was under way may be there all the same."""

    code = "database-full"


class WriterSession:
    """One connection, used by one statement at a time. A lost connection is a lost lock, and the other way round."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()
        self._gone = asyncio.Event()
        connection.add_termination_listener(lambda _connection: self._gone.set())

    @classmethod
    async def connect(cls, dsn: str, *, password: str) -> "WriterSession":
        """Return a session that has won nothing yet. Raises WriterLost when the database cannot be reached."""
        try:
            return cls(await asyncpg.connect(dsn, password=password, user=WRITER_ROLE, server_settings=_SETTINGS))
        except LOST as error:
            raise WriterLost from error

    async def win(self) -> bool:
        """Try to become the only writer; false while another session is. Raises WriterLost.

        Asks again and again rather than waiting inside the database: a statement that waits holds a snapshot, and with
        it everything that vacuum would clear.
        """
        try:
            async with self._one_at_a_time:
                won = await self._connection.fetchval(
                    "SELECT pg_try_advisory_lock($1)", WRITER_LOCK, timeout=KEEP_ALIVE_WITHIN_S
                )
        except LOST as error:
            raise WriterLost from error
        return bool(won)

    async def keep(self, *, beside: Callable[[], Awaitable[None]]) -> None:
        """Keep the session in use, so that the server does not end it; raises WriterLost once it is gone.

        ``beside`` is done each time as well, and what it raises is raised.
        """
        while True:
            try:
                await asyncio.wait_for(self._gone.wait(), KEEP_ALIVE_EVERY_S)
            except TimeoutError:
                # A session may take its own lock again; that another has it would mean that ours is gone.
                if await self.win():
                    await beside()
                    continue
            raise WriterLost

    async def fetch_first(self, query: str) -> asyncpg.Record | None:
        """Return the first row. Raises WriterLost."""
        try:
            async with self._one_at_a_time:
                return await self._connection.fetchrow(query, timeout=STATEMENT_WITHIN_S)
        except LOST as error:
            raise WriterLost from error

    async def execute(self, statement: str, *arguments: object) -> None:
        """Run one statement as a transaction of its own. Raises what asyncpg raises: the caller knows what it means."""
        async with self._one_at_a_time:
            await self._connection.execute(statement, *arguments, timeout=STATEMENT_WITHIN_S)

    async def close(self) -> None:
        """End the session, and with it the lock."""
        await close(self._connection)


async def close(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Close a connection, politely if it still answers."""
    try:
        await connection.close(timeout=2)
    except LOST:
        connection.terminate()
