"""What has no channel is put before people, each by itself, and it is said why it stands there (G5)."""

import pytest
from sqlalchemy import text

from services.notifier.adapters.postgres_channels import PostgresChannels
from services.notifier.domain.notification import Notification
from services.notifier.facts import Fact, FactMaker
from services.notifier.make_event import EventMaker
from shared.errors import NotFound
from shared.ledger.registry import EndpointFacts
from shared.vocabulary import EntryType
from tests.machinery.notifier import Notifier

HERE, NOWHERE, NOR_HERE = "authority:E06000005", "authority:E06000047", "authority:E06000004"


async def test_one_that_cannot_be_put_before_people_holds_up_none(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, share = (notifier.ledger.add_share(recipients=(NOWHERE,)) for _ in range(2))
    for each in (odd, share):
        await notifier.take_in(each)
    make = FactMaker.queued

    def queued(self: FactMaker, found: Notification, *, reason: str) -> Fact:
        return {share.id: make}[found.entry](self, found, reason=reason)

    monkeypatch.setattr(FactMaker, "queued", queued)
    assert [await notifier.channels.queue_unreachable() for _ in range(2)] == [1, 0]
    assert await notifier.said() == ["notification.queued"]


async def test_to_whom_anything_is_open_is_found_whatever_stands_in_queues_or_is_done(notifier: Notifier) -> None:
    waiting = PostgresChannels(notifier.engine)
    assert await waiting.recipients() == set()
    for recipients in ((HERE,), (NOWHERE, NOR_HERE), (NOWHERE, "queue:routing"), (NOWHERE,)):
        await notifier.take_in(notifier.ledger.add_share(recipients=recipients))
    assert await waiting.recipients() == {HERE, NOWHERE, NOR_HERE}
    await notifier.deliverer.deliver_due()
    assert await waiting.recipients() == {NOWHERE, NOR_HERE}
    assert await notifier.channels.queue_unreachable() == 4
    assert await waiting.recipients() == set()


async def test_looking_for_recipients_reads_no_more_of_the_table_than_it_must(notifier: Notifier) -> None:
    """However much waits for a recipient, one step through the index leads to the next one."""
    async with notifier.engine.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        query = "SELECT min(recipient) FROM notifier.notification WHERE {} AND NOT queued AND recipient > 'a'"
        asked = query.format("state IN ('owed', 'delivered')")
        plan = "\n".join(row[0] for row in await connection.execute(text(f"EXPLAIN {asked}")))
    assert "Limit" in plan
    assert "Filter" not in plan


async def test_each_reason_for_standing_in_the_queue_is_said_once_and_anew_after_an_attempt(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased = True

    async def event(self: EventMaker, owed: Notification, endpoint: EndpointFacts) -> bytes:
        if erased:
            raise NotFound("erased")
        return b"{}"

    async def again(outcome: str) -> None:
        notifier.push.outcome = outcome
        notifier.clock.pass_s(3600)
        await notifier.deliverer.deliver_due()
        await notifier.said()

    monkeypatch.setattr(EventMaker, "event", event)
    await notifier.take_in(notifier.ledger.add_share(recipients=(NOWHERE,)))
    await notifier.channels.queue_unreachable()
    notifier.register(NOWHERE)
    await notifier.registry.refresh()
    for _ in range(2):
        await again("failed")
    erased = False
    await again("failed")
    assert [each.queued for each in await notifier.store.notifications()] == [False]
    erased = True
    for _ in range(2):
        await again("failed")
    said = [each for each in notifier.ledger.appended.values() if each.type == EntryType.NOTIFICATION_QUEUED]
    assert [each.facts["reason"] for each in said] == ["no_channel", "content_erased", "content_erased"]
