"""G3: who subscribes gets every entry once and in order, from any position, through restarts and takeovers."""

import asyncio
from itertools import islice

import pytest

from shared.entries import Entry
from tests.machinery.lean_ledger import LeanLedger, LedgerProcess
from tests.machinery.ledger_clients import Clients

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def collect(process: LedgerProcess, into: list[Entry], *, after: int = -1) -> None:
    """Follow a ledger until cancelled."""
    async with process.client("auditor") as client:
        async for entry in client.subscribe(after=after):
            into.append(entry)


async def came(seen: list[Entry], count: int) -> None:
    """Wait until so many entries have come."""
    async with asyncio.timeout(40):
        while len(seen) < count:
            await asyncio.sleep(0.02)


async def test_a_subscriber_catches_up_and_then_gets_what_comes_from_any_position(ledger: LeanLedger) -> None:
    process = await ledger.writing()
    clients = Clients()
    await clients.until_answered([process], ["a", "b", "c"])
    whole: list[Entry] = []
    tail: list[Entry] = []
    following = [asyncio.create_task(collect(process, whole)), asyncio.create_task(collect(process, tail, after=1))]
    await came(whole, 4)
    await came(tail, 2)
    await clients.until_answered([process], ["d", "e"])
    await came(whole, 6)
    await came(tail, 4)
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    assert [entry.position for entry in whole] == list(range(6))
    assert tail == list(islice(whole, 2, None))


async def test_a_subscription_outlives_its_ledgers_terms(ledger: LeanLedger) -> None:
    """Its connections cut again and again, the ledger goes on; the subscriber sees neither a gap nor an entry twice."""
    process = await ledger.writing()
    clients = Clients()
    seen: list[Entry] = []
    following = asyncio.create_task(collect(process, seen))
    for number in range(3):
        await clients.until_answered([process], [f"{number}-{each}" for each in range(5)])
        await ledger.cut_off_writers()
    await clients.until_answered([process], ["last"])
    await came(seen, 1 + 16)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert seen == await clients.check(ledger, process)


async def test_a_subscriber_at_a_standby_gets_its_entries_once_that_takes_over(ledger: LeanLedger) -> None:
    first = await ledger.writing()
    second = ledger.start()
    await second.stands("standby")
    clients = Clients()
    seen: list[Entry] = []
    following = asyncio.create_task(collect(second, seen))
    await clients.until_answered([first], ["a", "b"])
    assert seen == []
    first.kill()
    await came(seen, 3)
    await clients.until_answered([second], ["c"])
    await came(seen, 4)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert [entry.position for entry in seen] == list(range(4))
