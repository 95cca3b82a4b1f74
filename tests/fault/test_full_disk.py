"""A disk that is really full, under the database, its write-ahead log, the guard and the published files."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.placement import Owner
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.postgres_program import find_program
from deploy.local.secret_files import SecretFiles
from shared.errors import Unavailable
from tests.machinery.behind import COMMITTED, PUBLISHED, Behind, caught_up
from tests.machinery.lean_ledger import LeanLedger, lean_ledger, migrated_template
from tests.machinery.ledger_clients import Clients
from tests.machinery.postgres import running_postgres
from tests.machinery.published_files import judged, published_at
from tests.machinery.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEFORE = ["a", "b", "c"]


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk() as made:
        yield made


@pytest.fixture
def ledger_on_it(
    disk: SmallDisk, postgres_server: EmbeddedPostgres, template: tuple[str, SecretFiles]
) -> Iterator[LeanLedger]:
    """A log whose database is on the small disk, and the rest of the server's data elsewhere."""
    name = f"small_{os.urandom(4).hex()}"
    location = given(disk.folder / "tablespace", find_program().owner)
    postgres_server.execute(f"CREATE TABLESPACE {name} LOCATION '{location}'")
    try:
        with lean_ledger(postgres_server, *template, tablespace=name) as made:
            yield made
            disk.free()
    finally:
        postgres_server.execute(f"DROP TABLESPACE {name}")


@pytest.fixture
def ledger_with_its_log_on_it(disk: SmallDisk) -> Iterator[LeanLedger]:
    """A log over a server of its own, whose write-ahead log is on the small disk."""
    with running_postgres() as server:
        server.stop()
        segments = server.data_dir / "pg_wal"
        elsewhere = disk.folder / "pg_wal"
        shutil.copytree(segments, elsewhere)
        for path in (elsewhere, *elsewhere.rglob("*")):
            given(path, find_program().owner)
        shutil.rmtree(segments)
        segments.symlink_to(elsewhere)
        server.start()
        with migrated_template(server) as template, lean_ledger(server, *template) as made:
            yield made
            disk.free()


def given(path: Path, owner: Owner) -> Path:
    """Make a folder where there is nothing, and hand it to the server's user."""
    if not path.exists():
        path.mkdir(mode=0o700)
    os.chown(path, owner.uid, owner.gid)
    return path


async def test_under_the_database_nothing_is_accepted_and_it_says_why_until_there_is_room(
    disk: SmallDisk, ledger_on_it: LeanLedger
) -> None:
    ledger, clients = ledger_on_it, Clients()
    writing = await ledger.writing()
    await clients.until_answered([writing], BEFORE)
    disk.fill()
    why = await clients.until_refused(writing)
    assert "the database's disk is full" in why
    await writing.says("ledger_writer_lost", "database-full", "Make room")
    async with writing.client("auditor") as client:
        # What was answered is read all the while.
        read = [entry async for entry in client.stream(after=-1)]
    assert {f"agency-{key}" for key in clients.answers} <= {entry.facts.get("agency") for entry in read}
    disk.free()
    await clients.until_answered([writing], [*clients.unanswered, "d"])
    assert len(await clients.check(ledger, writing)) == 1 + len(clients.answers)


async def test_under_the_database_a_ledger_killed_meanwhile_goes_on_after_the_restart(
    disk: SmallDisk, ledger_on_it: LeanLedger
) -> None:
    ledger, clients = ledger_on_it, Clients()
    writing = await ledger.writing()
    await clients.until_answered([writing], BEFORE)
    disk.fill()
    await clients.until_refused(writing)
    writing.kill()
    again = await ledger.writing()
    disk.free()
    await clients.until_answered([again], [*clients.unanswered, "d"])
    assert len(await clients.check(ledger, again)) == 1 + len(clients.answers)


async def test_under_the_write_ahead_log_the_server_goes_down_and_nothing_that_was_answered_is_lost(
    disk: SmallDisk, ledger_with_its_log_on_it: LeanLedger
) -> None:
    """PostgreSQL ends itself when it cannot log (PANIC): what was under way is unknown until it is asked for again."""
    ledger, clients = ledger_with_its_log_on_it, Clients()
    writing = await ledger.writing()
    await clients.until_answered([writing], BEFORE)
    disk.fill()
    for number in range(100):
        try:
            # The rest of the segment is given up, so that the next one must be made.
            ledger.server.execute("SELECT pg_switch_wal()")
        except Unavailable:
            break
        if not await clients.once(writing, f"k{number}"):
            clients.unanswered.append(f"k{number}")
            break
    assert not await clients.once(writing, "while it is down")
    assert "the ledger cannot write now" in clients.refusals[-1]
    assert "No space left on device" in ledger.server.log_file.read_text()
    disk.free()
    ledger.server.start()
    await clients.until_answered([writing], [*clients.unanswered, "while it is down", "d"])
    assert len(await clients.check(ledger, writing)) == 1 + len(clients.answers)


async def test_under_its_own_log_and_the_guard_the_ledger_writes_on_unheard(
    disk: SmallDisk, ledger: LeanLedger
) -> None:
    ledger.home = disk.folder / "home"
    ledger.home.mkdir()
    clients = Clients()
    writing = await ledger.writing()
    await clients.until_answered([writing], BEFORE)
    said = writing.folder / "log"
    with said.open("a") as file:
        # The rest of the log's last page is on the disk already.
        file.write(" " * (-said.stat().st_size % os.sysconf("SC_PAGE_SIZE")))
    disk.fill()
    for number in range(2):
        # A lost connection is worth several lines, and none of them can be written.
        await ledger.cut_off_writers()
        await clients.until_answered([writing], [f"k{number}"])
    assert not said.read_text().rpartition("\n")[2].strip()
    disk.free()
    await clients.until_answered([writing], ["d"])
    assert len(await clients.check(ledger, writing)) == 1 + len(clients.answers)


async def test_under_a_guard_that_is_yet_to_be_made_nothing_is_committed_until_there_is_room(
    disk: SmallDisk, ledger: LeanLedger
) -> None:
    """The first start of all, on a full disk: an entry without a guard would need a person's word later."""
    clients = Clients()
    disk.fill()
    starting = ledger.start(guard_file=disk.folder / "guard")
    await starting.says("guard-unwritable", "No space left on device", "Make room")
    assert not await clients.once(starting, "a")
    assert "the ledger cannot write now: the guard file cannot be written" in clients.refusals[-1]
    async with ledger.sql() as connection:
        assert await connection.fetchval("SELECT count(*) FROM ledger.entry") == 0
    assert [path.name for path in disk.folder.iterdir()] == ["ballast"]
    disk.free()
    await clients.until_answered([starting], BEFORE)
    shutil.copy(disk.folder / "guard", ledger.guard)
    assert len(await clients.check(ledger, starting)) == 1 + len(BEFORE)


async def test_under_the_published_files_and_the_guard_acceptance_goes_on_and_publishing_catches_up(
    disk: SmallDisk, behind: Behind
) -> None:
    """The guard took its place on the disk when it was made; only publishing needs more."""
    ledger = behind.ledger
    for path in (ledger.tiles, ledger.guard):
        shutil.move(path, disk.folder / path.name)
        path.symlink_to(disk.folder / path.name)
    disk.fill()
    writing = await ledger.writing()
    await writing.says("publishing_interrupted", "No space left on device")
    await Clients(behind.answers).until_answered([writing], ["accepted all the same"])
    assert (await judged(ledger, older_notes=[behind.note])).size == PUBLISHED
    disk.free()
    await published_at(ledger, COMMITTED + 1)
    writing.kill()
    await caught_up(behind)
