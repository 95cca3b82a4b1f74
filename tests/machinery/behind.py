"""A log that has committed more than it has published: what publishing must catch up with."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.secret_files import SecretFiles
from shared.ledger.messages import Appended
from tests.machinery.lean_ledger import LeanLedger, lean_ledger
from tests.machinery.ledger_clients import Clients
from tests.machinery.published_files import judged, published_at, swept

PUBLISHED = 250
COMMITTED = 270
"""The next checkpoint fills a tile and a bundle, begins the next ones and a level, and outgrows partial files."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The log, with no process any more, what it published, and every answer it gave."""

    ledger: LeanLedger
    note: bytes
    answers: dict[str, Appended]


@asynccontextmanager
async def log_behind(server: EmbeddedPostgres, template: tuple[str, SecretFiles]) -> AsyncIterator[Behind]:
    """Give such a log, to be copied."""
    with lean_ledger(server, *template) as ledger:
        clients = Clients()
        publishing = await ledger.writing(tiles_directory=ledger.tiles)
        await clients.until_answered([publishing], [f"k{number}" for number in range(PUBLISHED - 1)])
        note = await published_at(ledger, PUBLISHED)
        publishing.kill()
        without = await ledger.writing()
        await clients.until_answered([without], [f"k{number}" for number in range(PUBLISHED - 1, COMMITTED - 1)])
        without.kill()
        yield Behind(ledger, note, clients.answers)


@contextmanager
def copied(behind: Behind) -> Iterator[Behind]:
    """Give a copy of the log, of its guard and of its files, whose processes publish."""
    kept = behind.ledger
    with lean_ledger(kept.server, kept.database, kept.secrets) as copy:
        shutil.copy(kept.guard, copy.guard)
        shutil.copytree(kept.tiles, copy.tiles)
        copy.more_settings = {"tiles_directory": copy.tiles}
        yield Behind(copy, behind.note, dict(behind.answers))


async def caught_up(behind: Behind) -> bytes:
    """Start a ledger, append once more, and hold log, files and answers together; return the note that it published.

    Whatever was left behind must be gone, and what was published before must be what the new files begin with.
    """
    ledger, clients = behind.ledger, Clients(behind.answers)
    after = await ledger.writing()
    await clients.until_answered([after], ["one more"])
    size = 1 + len(clients.answers)
    note = await published_at(ledger, size)
    assert len(await clients.check(ledger, after)) == size
    published, stored = await judged(ledger, older_notes=[behind.note]), await ledger.audit()
    assert (published.size, published.root) == (stored.size, stored.root)
    await swept(ledger, size=size)
    return note
