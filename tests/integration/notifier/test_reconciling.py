"""What is missing is fetched however the clocks stand, and one entry that cannot be taken in holds up no other (G5)."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from services.notifier import reconcile
from shared.clock import parse_rfc3339
from shared.entries import encode_entry
from shared.errors import IntegrityFailure, InvalidInput, Unavailable
from shared.identifiers import Position
from tests.machinery.intake import IntakeParts, intake_on, refuse
from tests.machinery.postgres import Database

GRACE_S = 0.05


@pytest_asyncio.fixture
async def parts(fresh_database: Database) -> AsyncIterator[IntakeParts]:
    async with intake_on(fresh_database) as made:
        yield made


def set_clock_back(parts: IntakeParts) -> None:
    """Have the notifier's clock an hour behind the ledger's."""
    stamped = parse_rfc3339("2026-11-24T10:00:00.000000Z")
    parts.clock.pass_s((stamped - parts.clock.now()).total_seconds() - 3600)


async def test_without_kafka_an_entry_from_what_is_the_future_here_is_taken_in_at_once(parts: IntakeParts) -> None:
    set_clock_back(parts)
    parts.ledger.add_share(urgency="immediate")
    assert await parts.reconciler.reconcile(grace_s=0) == 1
    assert await parts.states() == ["owed"]


async def test_with_kafka_it_is_taken_in_once_it_has_been_missed_for_as_long_as_kafka_has(parts: IntakeParts) -> None:
    set_clock_back(parts)
    parts.ledger.add_share(urgency="immediate")
    assert await parts.reconciler.reconcile(grace_s=3600) == 0
    await asyncio.sleep(GRACE_S)
    assert await parts.reconciler.reconcile(grace_s=GRACE_S) == 1


async def test_what_was_recorded_long_ago_is_not_waited_for(parts: IntakeParts) -> None:
    """As after a start, when Kafka has had its chance."""
    parts.ledger.add_share()
    parts.clock.pass_s(3600)
    assert await parts.reconciler.reconcile(grace_s=1800) == 1


async def test_an_entry_that_kafka_may_still_bring_is_not_passed_over(parts: IntakeParts) -> None:
    set_clock_back(parts)
    first, young, last = (parts.ledger.add_share() for _ in range(3))
    await parts.take_in(first, last)
    for _ in range(2):
        assert await parts.reconciler.reconcile(grace_s=3600) == 0
    assert await parts.reconciler.reconcile(grace_s=0) == 1
    assert young.id in {each.entry for each in await parts.store.notifications()}


@pytest.mark.parametrize("fault", [RuntimeError("a fault of ours"), InvalidInput("no"), IntegrityFailure("no")])
async def test_an_entry_that_cannot_be_taken_in_stays_open_and_is_tried_again(
    parts: IntakeParts, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    faults: dict[int, Exception] = {1: fault}
    refuse(monkeypatch, parts, faults)
    shares = [parts.ledger.add_share() for _ in range(4)]
    assert await parts.reconciler.reconcile(grace_s=0) == 3
    assert [each.entry for each in await parts.store.notifications()] == [shares[place].id for place in (0, 2, 3)]
    assert (await parts.store.complete_up_to(), REGISTRY.get_sample_value("notifier_failed_entries")) == (0, 1)
    faults.clear()
    assert await parts.reconciler.reconcile(grace_s=0) == 1
    assert (await parts.store.complete_up_to(), len(await parts.states())) == (3, 4)
    await parts.reconciler.reconcile(grace_s=0)
    assert REGISTRY.get_sample_value("notifier_failed_entries") == 0


async def test_while_the_database_is_away_nothing_is_put_down_to_the_entries(
    parts: IntakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: dict[int, Exception] = {1: Unavailable("away")}
    refuse(monkeypatch, parts, faults)
    for _ in range(3):
        parts.ledger.add_share()
    with pytest.raises(Unavailable):
        await parts.reconciler.reconcile(grace_s=0)
    faults.clear()
    assert await parts.reconciler.reconcile(grace_s=0) == 2


async def test_behind_an_entry_that_stays_open_the_rest_is_fetched_once_and_not_on_every_turn(
    parts: IntakeParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "PAGE", 10)
    for _ in range(35):
        parts.ledger.add_share()
    parts.ledger.leaves[Position(1)] = encode_entry(parts.ledger.stored[1]).replace(b'"share.recorded"', b'"share.new"')
    assert await parts.reconciler.reconcile(grace_s=0) == 34
    calls = parts.count_calls(monkeypatch)
    parts.ledger.add_share()
    assert await parts.reconciler.reconcile(grace_s=0) == 1
    assert calls == [(34, 10)]
    assert REGISTRY.get_sample_value("notifier_unreadable_entries") == 1
    monkeypatch.setattr(reconcile, "COMPARE_ALL_EVERY_S", 0.0)
    parts.ledger.leaves.clear()
    assert await parts.reconciler.reconcile(grace_s=0) == 1
    assert REGISTRY.get_sample_value("notifier_unreadable_entries") == 0
    assert await parts.store.complete_up_to() == 35


async def test_a_database_that_is_put_back_has_everything_compared_again(parts: IntakeParts) -> None:
    for _ in range(3):
        parts.ledger.add_share()
    assert await parts.reconciler.reconcile(grace_s=0) == 3
    await parts.reconciler.reconcile(grace_s=0)
    async with parts.engine.begin() as connection:
        for table in ("intake", "seen", "notification"):
            await connection.exec_driver_sql(f"DELETE FROM notifier.{table}")
    assert await parts.reconciler.reconcile(grace_s=0) == 3


async def test_an_entry_of_a_time_that_cannot_be_read_is_not_waited_for(parts: IntakeParts) -> None:
    set_clock_back(parts)
    report = parts.report("E06000005")
    parts.ledger.stored[report.position] = msgspec.structs.replace(report, time="soon")
    parts.report("E06000005")
    assert await parts.reconciler.reconcile(grace_s=3600) == 1
