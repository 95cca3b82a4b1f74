"""Delivery over a real database: once, in order, on the record, and never given up (G5, G7, G8, G12)."""

import pytest

from services.notifier.ports import Road
from shared.entries import RoleFact, Subject
from shared.errors import Unavailable
from shared.identifiers import AuthorityCode
from shared.vocabulary import EntryType
from tests.machinery.notifier import Notifier

ROUTINE = "2026-12-01T17:00:00.000000Z"


async def test_a_notification_is_pushed_opened_on_the_record_and_said_to_be_received(notifier: Notifier) -> None:
    await notifier.take_in(notifier.ledger.add_share())
    assert await notifier.deliverer.deliver_due() == 1
    assert await notifier.states() == ["received"]
    assert len(notifier.ledger.openings) == 1
    assert await notifier.said() == ["notification.received"]
    assert await notifier.deliverer.deliver_due() == 0


async def test_what_comes_twice_has_one_effect(notifier: Notifier) -> None:
    """G7: by either road, in any order, in one transaction or two."""
    first, second = notifier.ledger.add_share(), notifier.ledger.add_share(child="d")
    for entry in (second, first, second, first):
        await notifier.take_in(entry, Road("kafka", "t", 0, entry.position))
    await notifier.reconciler.reconcile(grace_s=0)
    assert len(await notifier.store.notifications()) == 2
    await notifier.deliverer.deliver_due()
    assert sorted(sent[0] for sent in notifier.push.sent) == [first.obligations[0].id, second.obligations[0].id]


async def test_a_2xx_that_is_not_signed_is_delivered_and_stays_owed(notifier: Notifier) -> None:
    notifier.push.outcome = "delivered"
    await notifier.take_in(notifier.ledger.add_share())
    await notifier.deliverer.deliver_due()
    assert await notifier.states() == ["delivered"]
    assert await notifier.said() == ["notification.delivered"]
    notifier.clock.pass_s(40 * 3600)
    notifier.push.outcome = "received"
    assert await notifier.deliverer.deliver_due() == 1
    assert await notifier.states() == ["received"]


async def test_a_failed_push_is_tried_again_without_end_and_with_the_same_bytes(notifier: Notifier) -> None:
    notifier.push.outcome = "failed"
    await notifier.take_in(notifier.ledger.add_share())
    for _ in range(12):
        assert await notifier.deliverer.deliver_due() == 1
        assert await notifier.deliverer.deliver_due() == 0, "it waits between attempts"
        notifier.clock.pass_s(61)
    notifier.push.outcome = "received"
    await notifier.deliverer.deliver_due()
    assert await notifier.states() == ["received"]
    assert len({sent[1] for sent in notifier.push.sent}) == 1
    attempts = await notifier.store.attempts(notifier.push.sent[0][0])
    assert [outcome for _, _, outcome, _ in attempts] == ["failed"] * 12 + ["received"]


async def test_an_attempt_cut_off_by_a_crash_stays_on_record_with_its_outcome_unknown(notifier: Notifier) -> None:
    def crash() -> None:
        raise SystemError("the process died here")

    entry = notifier.ledger.add_share()
    await notifier.take_in(entry)
    notifier.push.before = crash
    with pytest.raises(SystemError):
        await notifier.deliverer.deliver_due()
    assert [outcome for _, _, outcome, _ in await notifier.store.attempts(entry.obligations[0].id)] == [None]
    notifier.push.before = lambda: None
    notifier.clock.pass_s(20)
    await notifier.deliverer.deliver_due()
    assert await notifier.states() == ["received"]


async def test_notifications_about_a_child_go_out_in_order_and_overtaking_is_marked(notifier: Notifier) -> None:
    """G8: a later one waits for the head; when the head is stuck it goes, marked, rather than not at all."""
    notifier.push.outcome = "failed"
    head, later = notifier.ledger.add_share(), notifier.ledger.add_share()
    await notifier.take_in(head)
    await notifier.take_in(later)
    await notifier.deliverer.deliver_due()
    assert [sent[0] for sent in notifier.push.sent] == [head.obligations[0].id]
    notifier.clock.pass_s(61)
    await notifier.deliverer.deliver_due()
    sent = {(obligation, overtaking) for obligation, _, overtaking in notifier.push.sent}
    assert (later.obligations[0].id, True) in sent
    assert (head.obligations[0].id, True) not in sent


async def test_another_childs_notification_waits_for_nobody(notifier: Notifier) -> None:
    notifier.push.outcome = "failed"
    for name in ("c", "d"):
        await notifier.take_in(notifier.ledger.add_share(child=name))
    assert await notifier.deliverer.deliver_due() == 2


async def test_what_no_channel_can_carry_stands_in_the_human_queue_and_goes_out_once_there_is_one(
    notifier: Notifier,
) -> None:
    """G5: it is said once, it stays owed, and an endpoint that is registered later gets it."""
    await notifier.take_in(notifier.ledger.add_share(recipients=("authority:E06000047", "queue:routing")))
    for queued in (1, 0, 0):
        assert await notifier.channels.queue_unreachable() == queued
        assert await notifier.deliverer.deliver_due() == 0
        notifier.clock.pass_s(10)
    assert await notifier.said() == ["notification.queued"]
    assert await notifier.states() == ["owed", "owed"]
    assert all(each.queued for each in await notifier.store.notifications())
    notifier.register("authority:E06000047")
    assert await notifier.channels.queue_unreachable() == 0
    await notifier.registry.refresh()
    assert await notifier.deliverer.deliver_due() == 1
    assert sorted(await notifier.states()) == ["owed", "received"]


async def test_an_endpoint_that_was_registered_a_moment_before_the_concern_gets_it_at_once(notifier: Notifier) -> None:
    notifier.register("authority:E06000047")
    await notifier.take_in(notifier.ledger.add_share(recipients=("authority:E06000047",)))
    assert await notifier.channels.queue_unreachable() == 0
    assert await notifier.deliverer.deliver_due() == 1
    assert await notifier.states() == ["received"]
    assert await notifier.said() == ["notification.received"]


async def test_while_the_ledger_does_not_say_who_takes_pushes_nobody_counts_as_without_a_channel(
    notifier: Notifier,
) -> None:
    notifier.register("authority:E06000047")
    await notifier.take_in(notifier.ledger.add_share(recipients=("authority:E06000047",)))
    notifier.ledger.down = True
    with pytest.raises(Unavailable):
        await notifier.channels.queue_unreachable()
    notifier.ledger.down = False
    assert await notifier.channels.queue_unreachable() == 0
    assert not (await notifier.store.notifications())[0].queued


async def test_while_the_ledger_is_away_nothing_is_sent_and_nothing_is_forgotten(notifier: Notifier) -> None:
    await notifier.take_in(notifier.ledger.add_share())
    notifier.ledger.down = True
    await notifier.deliverer.deliver_due()
    assert notifier.push.sent == []
    notifier.ledger.down = False
    notifier.clock.pass_s(30)
    await notifier.deliverer.deliver_due()
    assert await notifier.states() == ["received"]


async def test_silence_past_the_deadline_is_said_once_to_people_and_to_the_referrer(notifier: Notifier) -> None:
    await notifier.take_in(notifier.ledger.add_share())
    await notifier.deliverer.deliver_due()
    assert await notifier.watcher.say_overdue() == 0
    notifier.clock.pass_s(40 * 3600)
    assert await notifier.watcher.say_overdue() == 1
    assert await notifier.watcher.say_overdue() == 0
    await notifier.said()
    overdue = next(each for each in notifier.ledger.appended.values() if each.type == "notification.overdue")
    assert [owed.recipient for owed in overdue.obligations] == [
        "queue:escalation",
        "authority:E06000005",
        "agency:a-school",
    ]


async def test_a_queue_of_the_exchanges_own_that_is_late_is_not_told_as_an_authority_that_is(
    notifier: Notifier,
) -> None:
    await notifier.take_in(notifier.ledger.add_share(recipients=("authority:E06000005", "queue:identity")))
    notifier.clock.pass_s(40 * 3600)
    assert await notifier.watcher.say_overdue() == 2
    await notifier.said()
    told = {
        each.facts["recipient"]: {(owed.recipient, owed.reasons) for owed in each.obligations}
        for each in notifier.ledger.appended.values()
        if each.type == EntryType.NOTIFICATION_OVERDUE
    }
    ours = ("nobody_at_the_exchange_owns_it",)
    assert told["queue:identity"] == {("queue:escalation", ours), ("agency:a-school", ours)}
    assert {reasons for _, reasons in told["authority:E06000005"]} == {("nobody_owns_it",)}


async def test_a_referrer_hears_after_one_working_day_that_nobody_took_a_routine_concern_up(notifier: Notifier) -> None:
    """The authority has longer than that, and is not chased yet."""
    told = ("authority:E06000005", "queue:identity")
    await notifier.take_in(notifier.ledger.add_share(recipients=told, due_at=ROUTINE))
    await notifier.deliverer.deliver_due()
    assert await notifier.watcher.say_unanswered() == 0
    notifier.clock.pass_s(49 * 3600)
    assert (await notifier.watcher.say_overdue(), await notifier.watcher.say_unanswered()) == (0, 1)
    assert await notifier.watcher.say_unanswered() == 0
    await notifier.said()
    (said,) = [each for each in notifier.ledger.appended.values() if each.type == "notification.overdue"]
    assert [(owed.recipient, owed.reasons) for owed in said.obligations] == [
        ("agency:a-school", ("nobody_has_answered",))
    ]
    assert said.facts["state"] == "unanswered"
    notifier.clock.pass_s(8 * 24 * 3600)
    assert (await notifier.watcher.say_overdue(), await notifier.watcher.say_unanswered()) == (2, 0)
    await notifier.said()
    assert [each.type for each in notifier.ledger.appended.values()].count(EntryType.NOTIFICATION_OVERDUE) == 3


async def test_a_referrer_whose_routine_concern_a_person_took_up_is_not_told_of_silence(notifier: Notifier) -> None:
    share = notifier.ledger.add_share(due_at=ROUTINE)
    await notifier.take_in(share)
    await notifier.deliverer.deliver_due()
    facts = {"obligation": share.obligations[0].id, "state": "owned"}
    await notifier.take_in(notifier.ledger.add(EntryType.NOTIFICATION_OWNED, facts=facts))
    notifier.clock.pass_s(49 * 3600)
    assert await notifier.watcher.say_unanswered() == 0


async def test_a_move_is_told_once_to_both_authorities_however_often_its_report_comes(notifier: Notifier) -> None:
    entry = notifier.ledger.add_share()
    child = entry.subjects[0]
    moved = notifier.ledger.add(
        EntryType.WHEREABOUTS_REPORTED,
        subjects=(Subject(child.ref, 2, (RoleFact("living_at", AuthorityCode("E06000047")),)),),
        facts={"permanence": "permanent"},
    )
    for each in (entry, moved, moved):
        await notifier.take_in(each)
    await notifier.said()
    (move,) = [each for each in notifier.ledger.appended.values() if each.type == "child.move_suspected"]
    assert [owed.recipient for owed in move.obligations] == ["authority:E06000047", "authority:E06000005"]
    assert move.causes == (moved.id,)
