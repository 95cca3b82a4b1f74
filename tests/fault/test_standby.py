"""A second ledger stands by and takes over; two never both commit; what a lost connection left open is found out."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from services.ledger.adapters.guard_file import GuardFile
from shared.clock import parse_rfc3339
from shared.errors import Unavailable
from tests.machinery.crash import Crash
from tests.machinery.crashing_ledger import TWIN
from tests.machinery.lean_ledger import LeanLedger, LedgerProcess
from tests.machinery.leaping_clock import set_clock_by
from tests.machinery.ledger_clients import Clients, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def pair(ledger: LeanLedger, **settings: object) -> tuple[LedgerProcess, LedgerProcess]:
    """Return a writer and a standby; the standby's settings may differ."""
    first = await ledger.writing()
    second = ledger.start(**settings)  # type: ignore[arg-type]
    await second.stands("standby")
    return first, second


async def remembers(guard: Path, *, size: int) -> None:
    """Wait until a guard file remembers a tree of that size."""
    for _ in range(400):
        remembered = GuardFile(guard).recall()
        if remembered is not None and remembered.size == size:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the guard never came to {size}")


async def test_a_standby_says_so_and_sends_callers_elsewhere(ledger: LeanLedger) -> None:
    first, second = await pair(ledger)
    async with second.client() as client:
        for call in (client.append(request("a")), client.tree_head(), client.entries(after=-1)):
            with pytest.raises(Unavailable) as refused:
                await call
            assert refused.value.code == "standing-by"
            assert refused.value.remedy == "Retry elsewhere."
            assert not refused.value.outcome_unknown
    assert await first.standing() == "writing"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_a_standby_takes_over_when_the_writer_is_killed_or_stopped(ledger: LeanLedger, end: int) -> None:
    first, second = await pair(ledger)
    clients = Clients()
    keys = [f"k{number}" for number in range(12)]
    asking = asyncio.create_task(clients.until_answered([first, second], keys))
    while len(clients.answers) < 4:
        await asyncio.sleep(0.01)
    first.signal(end)
    await asyncio.wait_for(asking, 60)
    assert len(await clients.check(ledger, second)) == 1 + len(keys)
    third = ledger.start()
    await third.stands("standby")


async def test_a_frozen_writer_loses_its_office_and_cannot_commit_when_it_wakes(ledger: LeanLedger) -> None:
    """The server ends a session that falls silent; what wakes later finds its connection gone and its guard ahead."""
    first, second = await pair(ledger)
    clients = Clients()
    await clients.until_answered([first], ["before"])
    first.signal(signal.SIGSTOP)
    await second.stands("writing")
    await clients.until_answered([second], ["meanwhile"])
    first.signal(signal.SIGCONT)
    await first.stands("standby")
    assert len(await clients.check(ledger, second)) == 3


@pytest.mark.parametrize("minutes", [60, -60])
async def test_a_standby_takes_over_from_a_writer_whose_clock_is_set_wrong_and_gives_back(
    ledger: LeanLedger, minutes: int
) -> None:
    wrong_by = ledger.home / "wrong-by"
    first = ledger.start(limit=partial(set_clock_by, wrong_by))
    await first.stands("writing")
    second = ledger.start()
    await second.stands("standby")
    clients = Clients()
    await clients.until_answered([first], ["before"])
    wrong_by.write_text(f"{minutes * 60}\n")
    await clients.until_answered([first, second], ["after"])
    await second.stands("writing")
    await first.says("ledger_clock_astray", "60 minutes")
    await first.stands("standby")
    wrong_by.unlink()
    await first.says("ledger_clock_agrees")
    second.kill()
    await first.stands("writing")
    await clients.until_answered([first], ["back"])
    assert first.log.count("ledger_clock_astray") == first.log.count("ledger_writer_lost") == 1
    entries = await clients.check(ledger, first)
    assert len(entries) == 4
    assert parse_rfc3339(entries[-1].time) < datetime.now(UTC) + timedelta(minutes=1)


async def test_connections_lost_again_and_again_leave_one_answer_to_each_request(ledger: LeanLedger) -> None:
    """An outcome that a lost connection left unknown is found by asking again with the same key, never guessed."""
    first, second = await pair(ledger)
    clients = Clients()
    workers = [
        asyncio.create_task(clients.until_answered([first, second], [f"w{worker}-{number}" for number in range(15)]))
        for worker in range(4)
    ]
    for _ in range(3):
        await asyncio.sleep(0.3)
        await ledger.cut_off_writers()
    await asyncio.wait_for(asyncio.gather(*workers), 100)
    await clients.until_answered([first, second], ["after"])
    writer = first if await first.standing() == "writing" else second
    assert len(await clients.check(ledger, writer)) == 1 + 61


async def test_a_standby_on_another_host_keeps_a_guard_of_its_own_and_takes_over(ledger: LeanLedger) -> None:
    first = await ledger.writing()
    clients = Clients()
    await clients.until_answered([first], ["a", "b"])
    kept = ledger.home / "kept.checkpoint"
    async with first.client() as client:
        kept.write_bytes((await client.tree_head()).checkpoint)
    other = ledger.home / "other-host.guard"
    second = ledger.start(guard_file=other, adopt_checkpoint_file=kept)
    await second.stands("standby")
    await clients.until_answered([first], ["c"])
    await remembers(other, size=4)
    first.kill()
    await second.stands("writing")
    await clients.until_answered([second], ["d"])
    ledger.guard.unlink()
    os.link(other, ledger.guard)
    assert len(await clients.check(ledger, second)) == 5


async def test_a_standby_that_nobody_vouched_for_refuses_at_once_and_says_why(ledger: LeanLedger) -> None:
    first = await ledger.writing()
    second = ledger.start(guard_file=ledger.home / "other-host.guard")
    assert await second.ended() == 1
    assert "there is no guard file that says what was signed" in second.log
    assert await first.standing() == "writing"


async def test_a_standby_refuses_an_old_copy_by_what_it_watched_itself(ledger: LeanLedger) -> None:
    first = await ledger.writing()
    clients = Clients()
    await clients.until_answered([first], ["a", "b", "c"])
    kept = ledger.home / "kept.checkpoint"
    async with first.client() as client:
        kept.write_bytes((await client.tree_head()).checkpoint)
    other = ledger.home / "other-host.guard"
    second = ledger.start(guard_file=other, adopt_checkpoint_file=kept)
    await second.stands("standby")
    await clients.until_answered([first], ["d"])
    await remembers(other, size=5)
    second.kill()
    first.kill()
    async with ledger.sql() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("DELETE FROM ledger.entry WHERE position >= 3")
        await connection.execute("DELETE FROM ledger.tree_head WHERE size >= 4")
    third = ledger.start(guard_file=other)
    assert await third.ended() == 1
    assert "it is an old copy or was truncated" in third.log


async def test_twins_that_both_believe_themselves_elected_end_with_one_refusing(ledger: LeanLedger) -> None:
    """The election lock taken away by force: the tree head's key lets one of them commit, and stops the other."""
    first = await ledger.writing()
    clients = Clients()
    await clients.until_answered([first], ["a"])
    second = ledger.start(crash=Crash(TWIN))
    await second.stands("writing")
    await clients.until_answered([second], ["b"])
    assert not await clients.once(first, "c")
    assert await first.ended() == 1
    assert "another writer has committed to this log" in first.log
    await clients.until_answered([second], ["c"])
    assert len(await clients.check(ledger, second)) == 4
