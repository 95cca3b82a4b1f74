"""Entries taken in late, or at the same moment by two: nothing is missed that they show together (G5, G7)."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations

import pytest_asyncio

from services.notifier.ports import RECONCILED
from shared.canonical_json import Json
from shared.entries import Entry, Subject
from shared.identifiers import AgencyId, ChildRef
from shared.vocabulary import EntryType
from tests.machinery.intake import IntakeParts, intake_on
from tests.machinery.postgres import Database

DARLINGTON, DURHAM, MIDDLESBROUGH = "E06000005", "E06000047", "E06000002"
CHILD = "c" * 32


@pytest_asyncio.fixture
async def parts(fresh_database: Database) -> AsyncIterator[IntakeParts]:
    async with intake_on(fresh_database) as made:
        yield made


async def two_at_once(parts: IntakeParts, first: Entry, second: Entry) -> None:
    """Take two entries in, the second while the first is taken in and not yet committed."""

    async def second_one() -> None:
        await parts.take_in(second)

    async with parts.store.intake() as intake:
        await parts.taker.take_in(first, road=RECONCILED, intake=intake)
        beside = asyncio.create_task(second_one())
        await parts.somebody_waits()
    await beside


async def test_a_move_is_found_in_every_order_in_which_reports_arrive(parts: IntakeParts) -> None:
    told: list[set[tuple[object, ...]]] = []
    for ordinal, order in enumerate(permutations(range(4))):
        child = f"{ordinal:032x}"
        reports = [
            parts.report(DARLINGTON, child=child),
            parts.report(MIDDLESBROUGH, child=child, role="plan_held_by"),
            parts.report(DURHAM, child=child),
            parts.report(DARLINGTON, child=child),
        ]
        before = len(await parts.moves())
        await parts.take_in(*(reports[place] for place in order))
        made = (await parts.moves())[before:]
        told.append(
            {
                (reports.index(next(each for each in reports if each.id == move.causes[0])), owed.recipient)
                for move in made
                for owed in move.obligations
            }
        )
    in_order = told[0]
    assert in_order == {
        (place, f"authority:{code}") for place in (2, 3) for code in (DARLINGTON, DURHAM, MIDDLESBROUGH)
    }
    assert all(in_order <= each for each in told)


async def test_a_report_that_is_fetched_after_a_later_one_shows_the_move_between_them(parts: IntakeParts) -> None:
    """Kafka was wiped between the two: the later report came by the new topic, the earlier from the ledger."""
    left, came = parts.report(DARLINGTON), parts.report(DURHAM)
    await parts.take_in(came)
    assert await parts.moves() == []
    assert await parts.reconciler.reconcile(grace_s=0) == 1
    (move,) = await parts.moves()
    assert move.causes == (came.id,)
    assert move.facts["permanence"] == "permanent"
    assert [owed.recipient for owed in move.obligations] == [f"authority:{DURHAM}", f"authority:{DARLINGTON}"]
    assert left.id not in move.causes


async def test_two_reports_taken_in_at_the_same_moment_show_the_move_between_them(parts: IntakeParts) -> None:
    """From Kafka and from the ledger at once: neither transaction sees what the other has not committed."""
    await two_at_once(parts, parts.report(DARLINGTON), parts.report(DURHAM))
    assert len(await parts.moves()) == 1


async def test_harm_and_a_withholding_taken_in_at_the_same_moment_open_it_again(parts: IntakeParts) -> None:
    def add(entry_type: EntryType, facts: dict[str, Json]) -> Entry:
        subject = Subject(ChildRef(CHILD), len(parts.ledger.stored) + 1)
        return parts.ledger.add(entry_type, agency=AgencyId("a-college"), subjects=(subject,), facts=facts)

    withheld = add(EntryType.WITHHOLDING_RECORDED, {"review_due_on": "2026-12-24", "reasons": ["not_relevant"]})
    harm = add(EntryType.SHARE_RECORDED, {"level": "significant_harm"})
    await two_at_once(parts, withheld, harm)
    assert [each.type for each in await parts.said()] == [EntryType.WITHHOLDING_REOPENED]


async def test_a_state_that_comes_before_the_notification_it_is_about_is_not_forgotten(parts: IntakeParts) -> None:
    """A push would go on, and its deadline pass, for what somebody has already decided."""
    share = parts.ledger.add_share(recipients=("authority:E06000005", "queue:routing"))
    named = [owed.id for owed in share.obligations]
    decided = parts.ledger.add(EntryType.NOTIFICATION_DECIDED, facts={"obligation": named[0]})
    received = parts.ledger.add(EntryType.NOTIFICATION_RECEIVED, facts={"obligation": named[0]})
    resolved = parts.ledger.add(EntryType.QUEUE_RESOLVED, facts={"obligation": named[1]})
    await parts.take_in(decided, received, resolved, share)
    assert await parts.states() == ["decided", "decided"]
    assert await parts.rows("SELECT obligation_id FROM notifier.early_state") == []


async def test_a_state_and_its_notification_taken_in_at_the_same_moment_meet(parts: IntakeParts) -> None:
    share = parts.ledger.add_share()
    facts = {"obligation": share.obligations[0].id}
    await two_at_once(parts, parts.ledger.add(EntryType.NOTIFICATION_OWNED, facts=facts), share)
    assert await parts.states() == ["owned"]


async def test_how_far_everything_is_taken_in_never_goes_back(parts: IntakeParts) -> None:
    """Two notifiers look at the same moment; the one that saw less writes last."""
    entries = [parts.report(DARLINGTON, child=f"{number:032x}") for number in range(6)]
    await parts.take_in(*entries[:2])
    assert await parts.store.complete_up_to() == 1
    await parts.take_in(*entries[2:4])
    async with parts.engine.begin() as other:
        await other.exec_driver_sql("UPDATE notifier.intake SET complete_up_to = 5")
        behind = asyncio.create_task(parts.store.complete_up_to())
        await parts.somebody_waits()
        await other.exec_driver_sql("DELETE FROM notifier.seen WHERE position <= 5")
    assert await behind == 5
    assert await parts.store.complete_up_to() == 5
