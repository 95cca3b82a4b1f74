"""Whose turn it is: hopeless work delays nothing urgent, and no host delays another (G5, G8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.postgres_turns import PostgresTurns
from services.notifier.adapters.tables import notification
from services.notifier.room import TO_ONE_HOST
from shared.entries import Entry
from shared.identifiers import Recipient
from tests.machinery.fakes import START
from tests.machinery.notifier import Notifier

HERE, THERE, NOWHERE = "authority:E06000005", "authority:E06000047", "authority:E06000004"
LONG_S = 20


async def owe_many(engine: AsyncEngine, entry: Entry) -> None:
    """Owe all that an entry does, from long ago, each as if about another child, and tell the planner nothing of it."""
    rows = [
        {
            "obligation_id": owed.id,
            "entry_id": entry.id,
            "entry_type": entry.type.value,
            "position": entry.position,
            "child": f"{number:032x}",
            "recipient": owed.recipient,
            "urgency": "immediate",
            "due_at": START - timedelta(days=2),
            "created_at": START - timedelta(days=3),
            "next_attempt_at": START - timedelta(days=3),
            "came_by": "reconciled",
        }
        for number, owed in enumerate(entry.obligations)
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(notification), rows)


@asynccontextmanager
async def running(notifier: Notifier) -> AsyncIterator[None]:
    """Have notifications delivered, and what has no channel queued, as in a notifier."""
    tasks = [asyncio.create_task(notifier.deliverer.run()), asyncio.create_task(notifier.channels.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_received(notifier: Notifier, obligation: str) -> None:
    """Wait for a push; the time limit is for a test that would never end."""
    async with asyncio.timeout(LONG_S):
        while obligation not in [sent[0] for sent in notifier.push.sent]:
            await asyncio.sleep(0.02)


async def test_thousands_without_a_channel_and_one_that_hangs_do_not_delay_an_immediate_danger(
    notifier: Notifier,
) -> None:
    notifier.register(THERE)
    await notifier.registry.refresh()
    for recipient, hundreds in ((NOWHERE, 20), (HERE, 5), (NOWHERE, 20)):
        for _ in range(hundreds):
            await owe_many(notifier.engine, notifier.ledger.add_share(recipients=(recipient,) * 100))
    notifier.push.hangs = {"authority-e06000005"}
    async with asyncio.timeout(LONG_S), running(notifier):
        while notifier.push.to_hanging < TO_ONE_HOST:
            await asyncio.sleep(0.02)
        danger = notifier.ledger.add_share(recipients=(THERE,), urgency="immediate")
        await notifier.take_in(danger)
        await until_received(notifier, danger.obligations[0].id)
    assert notifier.push.to_hanging == TO_ONE_HOST, "a host that hangs has its own room, and no more"


async def test_the_most_urgent_goes_first_however_late_it_came(notifier: Notifier) -> None:
    for ordinal in range(2 * TO_ONE_HOST):
        await notifier.take_in(notifier.ledger.add_share(child=f"{ordinal:x}", urgency="routine"))
    danger = notifier.ledger.add_share(child="z", urgency="immediate", due_at="2026-11-30T17:00:00.000000Z")
    await notifier.take_in(danger)
    await notifier.deliverer.deliver_due()
    assert danger.obligations[0].id in [sent[0] for sent in notifier.push.sent]


async def test_what_was_never_tried_goes_before_what_is_brought_again_and_again(notifier: Notifier) -> None:
    notifier.push.outcome = "delivered"
    for ordinal in range(10):
        await notifier.take_in(notifier.ledger.add_share(child=f"{ordinal:x}"))
    while await notifier.deliverer.deliver_due():
        pass
    notifier.clock.pass_s(40 * 3600)
    fresh = notifier.ledger.add_share(child="z", due_at="2026-11-30T17:00:00.000000Z")
    await notifier.take_in(fresh)
    notifier.push.sent.clear()
    await notifier.deliverer.deliver_due()
    assert fresh.obligations[0].id in [sent[0] for sent in notifier.push.sent]


async def test_a_host_that_does_not_answer_is_tried_by_one_push_at_a_time_until_it_does(notifier: Notifier) -> None:
    notifier.push.outcome = "timed_out"
    for ordinal in range(12):
        await notifier.take_in(notifier.ledger.add_share(child=f"{ordinal:x}"))
    counts = [await notifier.deliverer.deliver_due() for _ in range(2)]
    notifier.push.outcome = "received"
    counts += [await notifier.deliverer.deliver_due() for _ in range(2)]
    assert counts == [TO_ONE_HOST, 1, 1, 2]


async def test_a_later_one_waits_while_the_earlier_is_under_way_however_old_it_is(notifier: Notifier) -> None:
    """G8: what came in together, late, goes out one after the other."""
    head, later = notifier.ledger.add_share(), notifier.ledger.add_share()
    await notifier.take_in(head)
    await notifier.take_in(later)
    notifier.clock.pass_s(120)
    notifier.push.hangs = {"authority-e06000005"}
    (task,) = await notifier.deliverer.start_due()
    for _ in range(2):
        await asyncio.sleep(0.1)
        assert await notifier.deliverer.start_due() == []
    task.cancel()


async def test_of_two_processes_that_claimed_the_same_the_first_to_begin_pushes_it(notifier: Notifier) -> None:
    await notifier.take_in(notifier.ledger.add_share())
    turns, claims = PostgresTurns(notifier.engine), []
    for _ in range(2):
        claims += await turns.claim(
            [Recipient(HERE)], now=notifier.clock.now(), lease_s=15, of_each=1, takes=lambda _: True
        )
        notifier.clock.pass_s(16)
    begun = [
        await turns.begin_attempt(each.notification, endpoint="x", now=notifier.clock.now(), lease_s=15)
        for each in reversed(claims)
    ]
    assert begun == [1, None]
    (slow, _) = claims
    await turns.put_off(slow.notification, next_attempt_at=START)
    assert await turns.claim([Recipient(HERE)], now=notifier.clock.now(), lease_s=15, of_each=1, takes=bool) == []


async def test_what_is_refused_for_want_of_room_is_left_as_it_was(notifier: Notifier) -> None:
    await notifier.take_in(notifier.ledger.add_share())
    turns = PostgresTurns(notifier.engine)
    asked = {"now": notifier.clock.now(), "lease_s": 15.0, "of_each": 1}
    assert await turns.claim([Recipient(HERE)], **asked, takes=lambda _: False) == []  # type: ignore[arg-type]
    assert len(await turns.claim([Recipient(HERE)], **asked, takes=lambda _: True)) == 1  # type: ignore[arg-type]
