"""Whose turn it is: hopeless work delays nothing urgent, and no host delays another (G5, G8)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.postgres_turns import PostgresTurns
from services.notifier.adapters.tables import notification
from services.notifier.domain.notification import OVERTAKE_LESS_URGENT_AFTER_S, Notification
from services.notifier.room import TO_ONE_ENDPOINT, TO_ONE_HOST
from shared.entries import Entry
from shared.identifiers import ObligationId, Recipient
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


def all_of(candidates: Sequence[Notification]) -> list[ObligationId]:
    return [each.obligation for each in candidates]


def none_of(_candidates: Sequence[Notification]) -> list[ObligationId]:
    return []


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
        while notifier.push.to_hanging < TO_ONE_ENDPOINT:
            await asyncio.sleep(0.02)
        danger = notifier.ledger.add_share(recipients=(THERE,), urgency="immediate")
        await notifier.take_in(danger)
        await until_received(notifier, danger.obligations[0].id)
    assert notifier.push.to_hanging == TO_ONE_ENDPOINT, "what hangs has its own room, and no more"


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


async def test_an_endpoint_that_does_not_answer_is_tried_by_one_push_at_a_time_until_it_does(
    notifier: Notifier,
) -> None:
    notifier.push.outcome = "timed_out"
    for ordinal in range(12):
        await notifier.take_in(notifier.ledger.add_share(child=f"{ordinal:x}"))
    counts = [await notifier.deliverer.deliver_due() for _ in range(2)]
    notifier.push.outcome = "received"
    counts += [await notifier.deliverer.deliver_due() for _ in range(2)]
    assert counts == [TO_ONE_ENDPOINT, 1, 1, 2]


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
        claims += await turns.claim([Recipient(HERE)], now=notifier.clock.now(), lease_s=15, of_each=1, choose=all_of)
        notifier.clock.pass_s(16)
    begun = [
        await turns.begin_attempt(each.notification, endpoint="x", now=notifier.clock.now(), lease_s=15)
        for each in reversed(claims)
    ]
    assert begun == [1, None]
    (slow, _) = claims
    await turns.put_off(slow.notification, next_attempt_at=START)
    assert await turns.claim([Recipient(HERE)], now=notifier.clock.now(), lease_s=15, of_each=1, choose=all_of) == []


async def test_what_is_refused_for_want_of_room_is_left_as_it_was(notifier: Notifier) -> None:
    await notifier.take_in(notifier.ledger.add_share())
    turns = PostgresTurns(notifier.engine)
    for choose, claimed in ((none_of, 0), (all_of, 1)):
        found = await turns.claim([Recipient(HERE)], now=notifier.clock.now(), lease_s=15, of_each=1, choose=choose)
        assert len(found) == claimed


async def offered(notifier: Notifier) -> list[str]:
    """Return what could go out now to a recipient, in its order, and leave it as it is."""
    seen: list[str] = []

    def choose(candidates: Sequence[Notification]) -> list[ObligationId]:
        seen.extend(each.obligation for each in candidates)
        return []

    turns, now = PostgresTurns(notifier.engine), notifier.clock.now()
    assert await turns.claim([Recipient(HERE)], now=now, lease_s=15, of_each=1000, choose=choose) == []
    return seen


async def test_an_immediate_danger_waits_a_moment_for_a_routine_notice_about_its_child_and_then_passes_it_marked(
    notifier: Notifier,
) -> None:
    """Before the routine one there may be any number of others, so that its turn need never come."""
    routine = notifier.ledger.add_share(urgency="routine", due_at="2026-12-01T17:00:00.000000Z")
    danger = notifier.ledger.add_share(urgency="immediate")
    backlog = [notifier.ledger.add_share(child=f"{number:x}", urgency="same_day") for number in range(12)]
    for each in (routine, danger, *backlog):
        await notifier.take_in(each)
    others = [each.obligations[0].id for each in backlog]
    assert await offered(notifier) == [*others, routine.obligations[0].id]
    notifier.clock.pass_s(OVERTAKE_LESS_URGENT_AFTER_S)
    assert await offered(notifier) == [danger.obligations[0].id, *others, routine.obligations[0].id]
    await notifier.deliverer.deliver_due()
    assert (danger.obligations[0].id, True) in [(sent[0], sent[2]) for sent in notifier.push.sent]


async def test_what_is_no_more_urgent_waits_for_the_first_turn_of_the_earlier_however_long(notifier: Notifier) -> None:
    head, later = notifier.ledger.add_share(), notifier.ledger.add_share()
    for each in (head, later):
        await notifier.take_in(each)
    notifier.clock.pass_s(600)
    assert await offered(notifier) == [head.obligations[0].id]


async def test_one_that_failed_and_one_that_passes_it_do_not_go_out_at_once(notifier: Notifier) -> None:
    """G8: they would arrive in any order."""
    notifier.push.outcome = "failed"
    shares = [notifier.ledger.add_share() for _ in range(2)]
    head, later = (each.obligations[0].id for each in shares)
    for each in shares:
        await notifier.take_in(each)
    await notifier.deliverer.deliver_due()
    notifier.clock.pass_s(61)
    notifier.push.hangs = {"authority-e06000005"}
    (first,) = await notifier.deliverer.start_due()
    await asyncio.sleep(0.1)
    assert await notifier.deliverer.start_due() == []
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    notifier.push.hangs, notifier.push.outcome = set(), "received"
    assert await notifier.deliverer.deliver_due() == 1
    assert [sent[0] for sent in notifier.push.sent] == [head, head]
    assert later in [each.obligation for each in await notifier.store.notifications() if each.state == "owed"]


async def test_a_system_that_hangs_holds_up_no_neighbour_at_its_host(notifier: Notifier) -> None:
    for recipient in (HERE, THERE):
        notifier.register(recipient, host="vendor")
    await notifier.registry.refresh()
    await owe_many(notifier.engine, notifier.ledger.add_share(recipients=(HERE,) * 100))
    notifier.push.hangs = {"authority-e06000005"}
    async with asyncio.timeout(LONG_S), running(notifier):
        while notifier.push.to_hanging < TO_ONE_ENDPOINT:
            await asyncio.sleep(0.02)
        danger = notifier.ledger.add_share(recipients=(THERE,), urgency="immediate")
        await notifier.take_in(danger)
        await until_received(notifier, danger.obligations[0].id)


async def test_systems_at_one_host_that_do_not_answer_are_tried_in_turn_whatever_is_owed_to_each(
    notifier: Notifier,
) -> None:
    """Once one answers again, nothing that waits for its neighbour keeps its own from it."""
    for recipient in (HERE, THERE):
        notifier.register(recipient, host="vendor")
    await notifier.registry.refresh()
    notifier.push.outcome = "timed_out"
    await notifier.take_in(notifier.ledger.add_share(child="a", recipients=(THERE,)))
    await owe_many(notifier.engine, notifier.ledger.add_share(recipients=(HERE,) * 100))
    await notifier.deliverer.deliver_due()
    fresh = notifier.ledger.add_share(child="b", recipients=(THERE,), urgency="routine")
    await notifier.take_in(fresh)
    notifier.push.sent.clear()
    for _ in range(2):
        assert await notifier.deliverer.deliver_due() == 1
    assert fresh.obligations[0].id in [sent[0] for sent in notifier.push.sent]
