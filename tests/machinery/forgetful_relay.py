"""A relay to the database that forgets connections, as a firewall does with those that say nothing for long."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.machinery.postgres import Database


@dataclass
class ForgetfulRelay:
    """Relays connections until it is told to forget one: from then on nothing comes through, and nobody is told."""

    database: Database
    port: int = 0
    passing: list[asyncio.Event] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """The database's address through here, without user and password."""
        return f"postgresql://127.0.0.1:{self.port}/{self.database.name}"

    def forget(self, number: int) -> None:
        """Let nothing more through on a connection, the first being 0."""
        self.passing[number].clear()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection both ways until a side ends it."""
        passing = asyncio.Event()
        passing.set()
        self.passing.append(passing)
        server = self.database.server
        there, to_there = await asyncio.open_unix_connection(f"{server.socket_dir}/.s.PGSQL.{server.port}")
        ways = [
            asyncio.create_task(_carry(reader, to_there, passing)),
            asyncio.create_task(_carry(there, writer, passing)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for side in (writer, to_there):
                side.close()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, passing: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            await passing.wait()
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def forgetful_relay(database: Database) -> AsyncIterator[ForgetfulRelay]:
    """Give a relay to a database."""
    relay = ForgetfulRelay(database)
    server = await asyncio.start_server(relay.relay, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
