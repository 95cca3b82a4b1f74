"""Killed with -9 at every named step, the ledger goes on from what it signed: no answer lost, no gap, or a refusal."""

import asyncio
import os
import resource
import signal
import subprocess

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.embedded_broker import EmbeddedBroker
from deploy.local.postgres_cluster import SUPERUSER, server_environment
from services.ledger.adapters.guard_file import SLOT_BYTES
from services.ledger.audit.findings import FindingKind
from shared.entries import parse_entry
from tests.machinery.crash import Crash
from tests.machinery.lean_ledger import LeanLedger, LedgerProcess
from tests.machinery.ledger_clients import Clients

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEFORE = ["a", "b", "c"]

# Each step with whether the request that died there is in the log when the next ledger comes up.
APPEND = {
    "append: before the look-up": False,
    "append: after deciding, before the signature": False,
    "append: after the signature": False,
    "append: before the commit": False,
    "append: after the commit, before the guard": True,
    "append: inside the guard's write": True,
    "append: after the guard, before the answer": True,
}

OF_THE_GUARD = ("append: inside the guard's write", "append: after the guard, before the answer")


@pytest.mark.parametrize("step", APPEND)
async def test_killed_while_appending(ledger: LeanLedger, step: str) -> None:
    clients = Clients()
    whole = await ledger.writing()
    await clients.until_answered([whole], BEFORE)
    whole.kill()
    # The guard is asked once at the start of a term, for what is there, before it is asked for a batch.
    doomed = ledger.start(crash=Crash(step, nth=2 if step in OF_THE_GUARD else 1))
    await doomed.stands("writing")
    assert not await clients.once(doomed, "doomed")
    assert await doomed.ended() == -signal.SIGKILL
    after = await ledger.writing()
    async with after.client() as client:
        assert (await client.tree_head()).size == 1 + len(BEFORE) + APPEND[step]
    await clients.until_answered([after], ["doomed", "d"])
    assert clients.answers["doomed"].repeated is APPEND[step]
    assert len(await clients.check(ledger, after)) == 1 + len(BEFORE) + 2


async def test_killed_at_a_step_of_the_very_first_batch(ledger: LeanLedger) -> None:
    """The genesis entry is a batch like any other: the guard has been made before it."""
    for crash in (
        Crash("append: after the guard, before the answer"),
        Crash("append: before the commit"),
        Crash("append: after the commit, before the guard"),
    ):
        doomed = ledger.start(crash=crash)
        assert await doomed.ended() == -signal.SIGKILL
    clients = Clients()
    after = await ledger.writing()
    await clients.until_answered([after], ["a"])
    assert len(await clients.check(ledger, after)) == 2


async def test_without_a_guard_it_waits_for_a_persons_word(ledger: LeanLedger) -> None:
    """Entries without a guard look like a restored copy: only the operator can say that they are the latest."""
    first = await ledger.writing()
    first.kill()
    ledger.guard.unlink()
    refusing = ledger.start()
    assert await refusing.ended() == 1
    assert "say so once: LEDGER_ADOPT_SIZE=1" in refusing.log
    clients = Clients()
    after = await ledger.writing(adopt_size=1)
    await clients.until_answered([after], ["a"])
    assert len(await clients.check(ledger, after)) == 2


@pytest.mark.parametrize(
    "step", ["takeover: after the lock, before the guard check", "takeover: before the first commit"]
)
async def test_killed_while_taking_over(ledger: LeanLedger, step: str) -> None:
    clients = Clients()
    first = await ledger.writing()
    second = ledger.start(crash=Crash(step))
    await second.stands("standby")
    third = ledger.start()
    await third.stands("standby")
    await clients.until_answered([first], BEFORE)
    first.kill()
    await clients.until_answered([second, third], ["taken over"])
    # Either standby may win; the doomed one dies as soon as it does.
    if await third.standing() == "writing" and second.process.exitcode is None:
        third.kill()
        third = ledger.start()
        await clients.until_answered([second, third], ["again"])
    assert await second.ended() == -signal.SIGKILL
    await third.stands("writing")
    entries = await clients.check(ledger, third)
    assert {"agency-taken over"} <= {entry.facts.get("agency") for entry in entries}


async def test_killed_under_load_at_one_step_after_another(ledger: LeanLedger) -> None:
    """Batches of many, seven deaths in a row: whoever was answered has its entry, and nobody has two."""
    clients = Clients()
    processes: list[LedgerProcess] = [await ledger.writing()]
    over = asyncio.Event()

    async def push(worker: int) -> None:
        number = 0
        while not over.is_set():
            await clients.until_answered(processes, [f"w{worker}-{number}"])
            number += 1

    workers = [asyncio.create_task(push(worker)) for worker in range(6)]
    for step in APPEND:
        processes[-1].kill()
        processes[:] = [ledger.start(crash=Crash(step, nth=3))]
        assert await processes[-1].ended() == -signal.SIGKILL
    processes[:] = [await ledger.writing()]
    over.set()
    await asyncio.wait_for(asyncio.gather(*workers), 60)
    assert len(await clients.check(ledger, processes[-1])) == 1 + len(clients.answers)


@pytest.mark.parametrize("step", ["relay: before a send", "relay: after the acknowledgement, before the cursor"])
async def test_killed_while_relaying(ledger: LeanLedger, embedded_broker: EmbeddedBroker, step: str) -> None:
    """Every entry comes out at least once, and nothing comes out that is not in the log."""
    clients = Clients()
    topic = f"entries-{os.urandom(4).hex()}"
    servers = embedded_broker.bootstrap_servers
    ledger.more_settings = {"kafka_bootstrap_servers": servers, "kafka_topic": topic, "kafka_partitions": 1}
    doomed = ledger.start(crash=Crash(step, nth=3))
    await clients.until_answered([doomed], ["a"])
    while await clients.once(doomed, f"k{len(clients.answers)}"):
        await asyncio.sleep(0.05)
    assert await doomed.ended() == -signal.SIGKILL
    after = await ledger.writing()
    await clients.until_answered([after], ["last"])
    entries = await clients.check(ledger, after)
    by_partition = await relayed(servers, topic, until={entry.position for entry in entries})
    for seen in by_partition.values():
        firsts = [position for index, position in enumerate(seen) if position not in seen[:index]]
        assert firsts == sorted(firsts)


async def relayed(servers: str, topic: str, *, until: set[int]) -> dict[int, list[int]]:
    """Return the positions that came through the broker, by partition and in order, once all of those have come."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    seen: dict[int, list[int]] = {}
    try:
        async with asyncio.timeout(40):
            while {position for positions in seen.values() for position in positions} != until:
                record = await consumer.getone()
                seen.setdefault(record.partition, []).append(parse_entry(record.value).position)
    finally:
        await consumer.stop()
    return seen


async def test_an_old_copy_of_the_database_is_refused_and_the_latest_is_taken(ledger: LeanLedger) -> None:
    """The restore drill: a dump from before, then one from the end, each restored into a new database."""
    clients = Clients()
    first = await ledger.writing()
    await clients.until_answered([first], BEFORE)
    old = dump(ledger)
    await clients.until_answered([first], ["d", "e"])
    first.kill()
    latest = dump(ledger)
    for copy, size in ((old, 1 + len(BEFORE)), (latest, 1 + len(BEFORE) + 2)):
        restore(ledger, copy)
        started = ledger.start()
        if copy is old:
            assert await started.ended() == 1
            assert f"the database holds {size} entries but 6 were signed" in started.log
            found = {(each.kind, each.first_position) for each in (await ledger.audit()).findings}
            assert found == {(FindingKind.TRUNCATED, size)}
        else:
            await started.stands("writing")
            await clients.until_answered([started], ["f"])
            assert len(await clients.check(ledger, started)) == size + 1


def dump(ledger: LeanLedger) -> bytes:
    """Return a backup of the database."""
    return postgres_program(ledger, "pg_dump", "--format=custom", ledger.database)


def restore(ledger: LeanLedger, copy: bytes) -> None:
    """Put a backup in the database's place."""
    ledger.server.execute(f"DROP DATABASE {ledger.database} WITH (FORCE)")
    ledger.server.execute(f"CREATE DATABASE {ledger.database} TEMPLATE template0")
    postgres_program(ledger, "pg_restore", "--exit-on-error", "--dbname", ledger.database, given=copy)


def postgres_program(ledger: LeanLedger, name: str, *arguments: str, given: bytes = b"") -> bytes:
    """Run one of the server's own programs as its superuser and return what it wrote."""
    server = ledger.server
    address = ["-h", str(server.socket_dir), "-p", str(server.port), "-U", SUPERUSER]
    done = subprocess.run(
        [str(server.bin_dir / name), *address, *arguments],
        input=given,
        capture_output=True,
        env=server_environment() | {"PGPASSWORD": server.superuser_password()},
        check=True,
    )
    return done.stdout


async def test_both_slots_of_the_guard_torn_is_a_refusal(ledger: LeanLedger) -> None:
    clients = Clients()
    first = await ledger.writing()
    await clients.until_answered([first], BEFORE)
    first.kill()
    whole = ledger.guard.read_bytes()
    ledger.guard.write_bytes(b"x" * 64 + whole[64:SLOT_BYTES] + b"x" * 64 + whole[SLOT_BYTES + 64 :])
    refusing = ledger.start()
    assert await refusing.ended() == 1
    assert "neither of its two records can be read" in refusing.log
    ledger.guard.write_bytes(whole)
    after = await ledger.writing()
    assert len(await clients.check(ledger, after)) == 1 + len(BEFORE)


async def test_the_guard_of_another_log_is_a_refusal(ledger: LeanLedger) -> None:
    first = await ledger.writing()
    await Clients().until_answered([first], BEFORE)
    first.kill()
    refusing = ledger.start(origin="ledger.example/other")
    assert await refusing.ended() == 1
    assert "the guard file is another log's" in refusing.log


async def test_a_last_head_that_nobody_signed_is_never_signed_on_top_of(ledger: LeanLedger) -> None:
    """With a forged frontier in the database, the next checkpoint would vouch for a tree of somebody else's."""
    clients = Clients()
    first = await ledger.writing()
    await clients.until_answered([first], BEFORE)
    first.kill()
    async with ledger.sql() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE ledger.tree_head SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1) WHERE size = 4"
        )
    refusing = ledger.start()
    assert await refusing.ended() == 1
    assert "is not the tree that was signed" in refusing.log


async def test_a_full_disk_under_the_guard_holds_answers_back_until_there_is_room(ledger: LeanLedger) -> None:
    """The system takes half of a record and refuses the rest: what is committed waits, and no answer goes out."""
    clients = Clients()
    first = await ledger.writing()
    await clients.until_answered([first], BEFORE)
    first.kill()
    starved = ledger.start(limit=room_for_one_slot_and_a_half)
    await starved.stands("writing")
    while await clients.once(starved, f"k{len(clients.answers)}"):
        pass
    await starved.stands("starting")
    assert "guard-unwritable" in starved.log
    assert not await clients.once(starved, "not now")
    resource.prlimit(starved.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await clients.until_answered([starved], [f"k{len(clients.answers)}", "e"])
    assert len(await clients.check(ledger, starved)) == 1 + len(clients.answers)


def room_for_one_slot_and_a_half() -> None:
    """Let this process write no file beyond the middle of the guard's second slot."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SLOT_BYTES * 3 // 2, most))


async def test_a_database_whose_disk_is_full_stops_acceptance_until_there_is_room(ledger: LeanLedger) -> None:
    """The server's own error for it (SQLSTATE 53100), in the middle of the statement that commits."""
    clients = Clients()
    first = await ledger.writing()
    await clients.until_answered([first], BEFORE)
    async with ledger.sql() as connection:
        await connection.execute(
            "CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no space left on device' USING ERRCODE = '53100'; END $$"
        )
        await connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        await connection.execute(
            "CREATE TRIGGER no_room BEFORE INSERT ON ledger.obligation_step EXECUTE FUNCTION public.no_room()"
        )
        assert not await clients.once(first, "d")
        await connection.execute("DROP TRIGGER no_room ON ledger.obligation_step")
    await clients.until_answered([first], ["d", "e"])
    assert len(await clients.check(ledger, first)) == 1 + len(BEFORE) + 2
