"""What the ledger does wrong is not charged to the recipient, and one fact that it will not have holds up no other."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, update

from services.notifier.adapters.tables import fact
from services.notifier.append_facts import BATCH
from services.notifier.facts import Fact
from shared.entries import encode_entry
from shared.errors import Conflict, InvalidInput, Unavailable
from shared.identifiers import EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.vocabulary import EntryType
from tests.machinery.notifier import Notifier


def a_fact(key: str) -> Fact:
    request = AppendRequest(
        entry_id=EntryId("e" * 32),
        type=EntryType.NOTIFICATION_QUEUED,
        idempotency=Idempotency("service:notifier", key, key.encode()),
        answer=Answer(201, {}),
        child=None,
        facts={},
        obligations=(),
        causes=(),
    )
    return Fact(key, request)


async def keep(notifier: Notifier, *keys: str) -> None:
    """Keep facts, one after the other, until the ledger has them."""
    for key in keys:
        async with notifier.store.intake() as intake:
            await intake.say([a_fact(key)], now=notifier.clock.now())
        notifier.clock.pass_s(0.001)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_ledger_that_is_away_costs_a_recipient_no_attempt_and_no_longer_wait(notifier: Notifier) -> None:
    danger = notifier.ledger.add_share(urgency="immediate")
    await notifier.take_in(danger)
    notifier.ledger.down = True
    for _ in range(20):
        await notifier.deliverer.deliver_due()
        notifier.clock.pass_s(30)
    assert await notifier.store.attempts(danger.obligations[0].id) == []
    await notifier.deliverer.deliver_due()
    notifier.ledger.down = False
    notifier.clock.pass_s(6)
    await notifier.deliverer.deliver_due()
    assert await notifier.state_of(danger) == "received"
    assert [number for number, *_ in await notifier.store.attempts(danger.obligations[0].id)] == [1]


async def test_an_entry_that_the_ledger_contradicts_is_put_before_people_and_holds_up_no_other(
    notifier: Notifier,
) -> None:
    before = counted("notifier_not_told_total", reason="cannot_be_made")
    failed = counted("exchange_turns_failed_total", work="event", category="IntegrityFailure")
    wrong, later = notifier.ledger.add_share(), notifier.ledger.add_share()
    for entry in (wrong, later):
        await notifier.take_in(entry)
    notifier.ledger.leaves[wrong.position] = encode_entry(notifier.ledger.stored[0])
    for _ in range(2):
        await notifier.deliverer.deliver_due()
    assert [sent[0] for sent in notifier.push.sent] == [later.obligations[0].id]
    await notifier.said()
    queued = [each for each in notifier.ledger.appended.values() if each.type == EntryType.NOTIFICATION_QUEUED]
    assert [each.facts["reason"] for each in queued] == ["cannot_be_made"]
    assert counted("notifier_not_told_total", reason="cannot_be_made") == before + 1
    assert counted("exchange_turns_failed_total", work="event", category="IntegrityFailure") == failed + 1


@pytest.mark.parametrize("refusal", [InvalidInput("no"), Conflict("no"), RuntimeError("a fault of ours")])
async def test_facts_that_are_refused_hold_up_none_that_is_not(notifier: Notifier, refusal: Exception) -> None:
    notifier.ledger.refuses["bad"] = refusal
    await keep(notifier, *(f"bad-{number:03}" for number in range(BATCH)), "good")
    assert (await notifier.appender.append_open(), await notifier.appender.append_open()) == (0, 1)
    assert list(notifier.ledger.appended) == ["good"]


async def test_a_fact_at_which_the_ledger_fails_every_time_holds_up_none(notifier: Notifier) -> None:
    notifier.ledger.refuses["bad"] = Unavailable("the call failed", outcome_unknown=True)
    await keep(notifier, "bad", "good")
    assert (await notifier.appender.append_open(), await notifier.appender.append_open()) == (0, 1)


async def test_facts_at_which_the_ledger_fails_each_time_only_after_long_keep_none_from_their_turn(
    notifier: Notifier,
) -> None:
    """By the time that the last of them has been tried, the first has come due again."""
    notifier.ledger.refuses["bad"] = Unavailable("the call failed", outcome_unknown=True)
    await keep(notifier, *(f"bad-{number}" for number in range(6)))
    for _ in range(30):
        await notifier.appender.append_open()
        notifier.clock.pass_s(10)
    await keep(notifier, "good")
    for _ in range(6):
        await notifier.appender.append_open()
        notifier.clock.pass_s(10)
    assert list(notifier.ledger.appended) == ["good"]


async def test_a_fact_that_cannot_be_read_holds_up_none_and_is_told_of(notifier: Notifier) -> None:
    before = counted("notifier_fact_refusals_total", code="fault")
    await keep(notifier, "bad", "good")
    async with notifier.engine.begin() as connection:
        await connection.execute(update(fact).where(fact.c.key == "bad").values(request="{"))
    assert await notifier.appender.append_open() == 1
    assert counted("notifier_fact_refusals_total", code="fault") == before + 1


async def test_a_refused_fact_is_kept_tried_less_and_less_often_and_taken_once_it_can_be(notifier: Notifier) -> None:
    notifier.ledger.refuses["bad"] = InvalidInput("no")
    await keep(notifier, "bad")
    for _ in range(240):
        await notifier.appender.append_open()
        notifier.clock.pass_s(60)
    assert 5 < len(notifier.ledger.asked_to_append) < 20
    async with notifier.engine.connect() as connection:
        assert await connection.scalar(select(fact.c.refused)) == "invalid-input"
    notifier.ledger.refuses.clear()
    notifier.clock.pass_s(3600)
    assert await notifier.appender.append_open() == 1


async def test_facts_go_on_within_half_a_minute_of_the_ledgers_coming_back(notifier: Notifier) -> None:
    await keep(notifier, "one", "two")
    notifier.ledger.down = True
    for _ in range(50):
        await notifier.appender.append_open()
        notifier.clock.pass_s(60)
    await notifier.appender.append_open()
    notifier.ledger.down = False
    notifier.clock.pass_s(30)
    assert await notifier.appender.append_open() == 2
