"""Silence is said of what nobody took up, and looked for among what may still be silent alone."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.adapters.tables import MAY_BE_OVERDUE, MAY_BE_UNANSWERED
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact, FactMaker
from shared.entries import Entry
from shared.identifiers import EntryId
from shared.vocabulary import EntryType
from tests.machinery.notifier import REGISTER, Notifier


async def own(notifier: Notifier, share: Entry) -> None:
    """Have a person take a share's notification up."""
    facts = {"obligation": share.obligations[0].id, "state": "owned"}
    await notifier.take_in(notifier.ledger.add(EntryType.NOTIFICATION_OWNED, facts=facts))


async def test_what_a_person_took_up_while_it_was_found_overdue_is_not_put_before_people(notifier: Notifier) -> None:
    silence, facts = PostgresSilence(notifier.engine), FactMaker(register=REGISTER, new_entry_id=lambda: EntryId("a"))
    share = notifier.ledger.add_share()
    await notifier.take_in(share)
    now = notifier.clock.now() + timedelta(hours=40)
    (found,) = await silence.overdue(now=now, limit=2, passing_over=())
    await own(notifier, share)
    assert not await silence.say_overdue(found, facts.overdue(found, now=now), now=now)
    assert await notifier.said() == []


async def test_one_whose_silence_cannot_be_said_holds_up_none(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, share = notifier.ledger.add_share(), notifier.ledger.add_share()
    for each in (odd, share):
        await notifier.take_in(each)
    notifier.clock.pass_s(40 * 3600)
    make = FactMaker.overdue

    def overdue(self: FactMaker, found: Notification, *, now: datetime) -> Fact:
        return {share.id: make}[found.entry](self, found, now=now)

    monkeypatch.setattr(FactMaker, "overdue", overdue)
    assert await notifier.watcher.say_overdue() == 1
    assert await notifier.said() == ["notification.overdue"]


@pytest.mark.parametrize(
    ("index", "column", "asked"),
    [
        ("notification_overdue", "due_at", MAY_BE_OVERDUE),
        ("notification_unanswered", "answer_due_at", MAY_BE_UNANSWERED),
    ],
)
async def test_only_what_may_still_be_silent_is_looked_through(
    notifier: Notifier, index: str, column: str, asked: str
) -> None:
    """The index of the migration is over the very question that is asked; otherwise it would never be used."""
    async with notifier.engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        query = f"EXPLAIN SELECT * FROM notifier.notification WHERE {column} < now() AND {asked}"
        plan = "\n".join(row[0] for row in await connection.execute(text(query)))
    assert index in plan
    assert "Filter" not in plan


async def test_the_watch_ends_when_it_is_told_to(notifier: Notifier) -> None:
    share = notifier.ledger.add_share()
    await notifier.take_in(share)
    notifier.clock.pass_s(40 * 3600)
    watching = asyncio.create_task(notifier.watcher.run())
    async with asyncio.timeout(20):
        while not await notifier.said():
            await asyncio.sleep(0.05)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
