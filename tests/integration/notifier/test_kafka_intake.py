"""What Kafka brings is taken in only when the ledger has it, and nothing that Kafka does ends the notifier (G5, G6)."""

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord
from structlog.testing import capture_logs

from services.notifier.adapters import kafka_intake
from services.notifier.adapters.kafka_intake import IntakeSettings, KafkaIntake
from shared.entries import Entry, encode_entry
from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import EntryId, Position
from shared.vocabulary import EntryType
from tests.machinery.intake import TOPIC, FakeConsumer, IntakeParts, intake_on, record, refuse, relayed
from tests.machinery.postgres import Database

SETTINGS = IntakeSettings("nowhere:9092", TOPIC, "a-group", 10_000)


@dataclass
class Consuming:
    """An intake that reads from memory, and what it committed."""

    parts: IntakeParts
    records: list[ConsumerRecord] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)
    consumers: int = 0
    losses: int = 0
    lines: list[MutableMapping[str, Any]] = field(default_factory=list)
    stopping: Callable[[], None] = lambda: None

    def intake(self) -> KafkaIntake:
        def lost() -> None:
            self.losses += 1

        def make_consumer(_settings: IntakeSettings) -> FakeConsumer:
            self.consumers += 1
            return FakeConsumer(self.records, self.committed, self.stopping)

        made = KafkaIntake(
            store=self.parts.store,
            ledger=self.parts.ledger,
            taker=self.parts.taker,
            settings=SETTINGS,
            lost=lost,
            origin=lambda: "test/log",
        )
        made.make_consumer = make_consumer
        return made

    async def consume(self, *records: ConsumerRecord) -> None:
        """Have records consumed, until the offset after the last one is committed."""
        self.records.extend(records)
        with capture_logs() as lines:
            running = asyncio.create_task(self.intake().run())
            while not running.done() and self.committed[-1:] != [len(self.records)]:
                await asyncio.sleep(0.01)
            assert not running.done()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        self.lines += lines

    def strange(self) -> list[tuple[int, int]]:
        """Return the records that were said to be none of this ledger's, by batch: the first offset, how many."""
        said = [line for line in self.lines if line["event"] == "records_not_of_this_ledger"]
        return [(line["first_offset"], line["records"]) for line in said]


@pytest_asyncio.fixture
async def consuming(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Consuming]:
    monkeypatch.setattr(kafka_intake, "RETRY_AFTER_S", 0.01)
    async with intake_on(fresh_database) as parts:
        yield Consuming(parts)


def forged(entry: Entry, position: int) -> Entry:
    return msgspec.structs.replace(entry, position=Position(position), id=EntryId("f" * 32))


async def test_what_the_relay_wrote_is_taken_in_by_kafka(consuming: Consuming) -> None:
    first, second = consuming.parts.ledger.add_share(), consuming.parts.ledger.add_share()
    await consuming.consume(relayed(0, first), relayed(1, second, previous=0))
    assert [each.came_by for each in await consuming.parts.store.notifications()] == ["kafka", "kafka"]
    assert (consuming.strange(), consuming.losses) == ([], 0)


async def test_a_record_whose_predecessor_never_came_has_what_is_lost_fetched(consuming: Consuming) -> None:
    shares = [consuming.parts.ledger.add_share() for _ in range(4)]
    await consuming.consume(relayed(0, shares[0]))
    await consuming.consume(relayed(1, shares[2], previous=1))
    assert consuming.losses == 1
    await consuming.consume(relayed(2, shares[3], previous=2))
    assert consuming.losses == 1


async def test_a_forged_entry_settles_nothing(consuming: Consuming) -> None:
    """Whoever may write to the topic says in an entry's own form that somebody has decided."""
    share = consuming.parts.ledger.add_share()
    decided = Entry(
        position=Position(1),
        id=EntryId("f" * 32),
        type=EntryType.NOTIFICATION_DECIDED,
        time=share.time,
        facts={"obligation": share.obligations[0].id},
    )
    await consuming.consume(relayed(0, share), relayed(1, decided))
    true = consuming.parts.ledger.add_share()
    await consuming.consume(relayed(2, true))
    assert await consuming.parts.states() == ["owed", "owed"]
    assert consuming.strange() == [(1, 1)]


async def test_another_ledgers_record_does_not_stand_for_the_one_at_its_position(consuming: Consuming) -> None:
    """Two ledgers share a topic: the other's position 0 comes first, and this one's is taken in all the same."""
    share = consuming.parts.ledger.add_share()
    other = forged(share, 0)
    await consuming.consume(relayed(0, other, origin="other/log"), relayed(1, share))
    (owed,) = await consuming.parts.store.notifications()
    assert (owed.entry, owed.came_by) == (share.id, "kafka")
    assert consuming.strange() == [(0, 1)]


async def test_what_a_forged_record_took_the_place_of_is_fetched_from_the_ledger(consuming: Consuming) -> None:
    share = consuming.parts.ledger.add_share()
    await consuming.consume(relayed(0, forged(share, 0)))
    assert await consuming.parts.store.notifications() == []
    assert await consuming.parts.reconciler.reconcile(grace_s=0) == 1
    assert [each.entry for each in await consuming.parts.store.notifications()] == [share.id]


@pytest.mark.parametrize(
    ("value", "position"),
    [
        (b"", "0"),
        (None, "0"),
        (b"no entry", "0"),
        (b"[" * 100_000, "0"),
        (b"no entry", "-1"),
        (b"no entry", "9" * 30),
        (b"no entry", "999999999999999999"),
        (b"no entry", "none"),
    ],
)
async def test_no_record_of_a_stranger_holds_up_the_true_ones(
    consuming: Consuming, value: bytes | None, position: str
) -> None:
    share = consuming.parts.ledger.add_share()
    await consuming.consume(record(0, value, {"position": position}), record(1, value, {}), relayed(2, share))
    assert await consuming.parts.states() == ["owed"]
    assert consuming.strange() == [(0, 2)]


async def test_no_header_without_a_value_holds_up_the_true_ones(consuming: Consuming) -> None:
    """Kafka lets anybody write one, and whatever it is named."""
    share = consuming.parts.ledger.add_share()
    strange = record(0, b"no entry", {})
    strange.headers.extend([("position", None), ("previous", None), ("anything", None)])
    await consuming.consume(strange, relayed(1, share))
    assert (consuming.consumers, await consuming.parts.states()) == (1, ["owed"])
    assert consuming.strange() == [(0, 1)]


@pytest.mark.parametrize("previous", ["--5", "9" * 4301, "9" * 19, "-1", "", "²", "5 "])
async def test_no_predecessor_that_is_none_holds_up_an_entry(consuming: Consuming, previous: str) -> None:
    """A stranger copies a true entry, and says of it what no relay says."""
    share = consuming.parts.ledger.add_share()
    headers = {"position": str(share.position), "previous": previous}
    await consuming.consume(record(0, encode_entry(share), headers))
    assert (consuming.consumers, consuming.losses, await consuming.parts.states()) == (1, 0, ["owed"])


@pytest.mark.parametrize("fault", [RuntimeError("a fault of ours"), InvalidInput("no"), IntegrityFailure("no")])
async def test_an_entry_that_cannot_be_taken_in_stays_open_and_holds_up_no_other(
    consuming: Consuming, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The batch is taken in without it, and the reconciler is told."""
    shares = [consuming.parts.ledger.add_share() for _ in range(4)]
    refuse(monkeypatch, consuming.parts, {shares[1].position: fault})
    await consuming.consume(*(relayed(offset, each, previous=offset - 1) for offset, each in enumerate(shares)))
    assert [each.entry for each in await consuming.parts.store.notifications()] == [
        shares[place].id for place in (0, 2, 3)
    ]
    assert (consuming.consumers, consuming.losses) == (1, 1)
    assert await consuming.parts.store.complete_up_to() == 0
    assert {line["kind"] for line in consuming.lines if line["event"] == "intake_interrupted"} == {type(fault).__name__}


async def test_two_batches_about_the_same_withholdings_of_no_child_never_wait_for_each_other(
    consuming: Consuming,
) -> None:
    """Each ends what the other ends, in another order."""
    ledger = consuming.parts.ledger
    withheld = [EntryId(f"{number:032x}") for number in range(40)]
    ended = [ledger.add(EntryType.RECORD_RETRACTED, causes=(each,)) for each in withheld]
    again = [ledger.add(EntryType.RECORD_RETRACTED, causes=(each,)) for each in reversed(withheld)]
    beside = Consuming(consuming.parts)
    for records, intake in ((ended, consuming), (again, beside)):
        intake.records.extend(relayed(offset, each) for offset, each in enumerate(records))
    await asyncio.gather(consuming.consume(), beside.consume())
    assert [line for line in consuming.lines + beside.lines if "interrupted" in line["event"]] == []


async def test_while_the_ledger_is_away_no_offset_is_committed_and_nothing_is_taken_in(consuming: Consuming) -> None:
    share = consuming.parts.ledger.add_share()
    consuming.parts.ledger.down = True
    running = asyncio.create_task(consuming.consume(relayed(0, share)))
    while consuming.consumers < 3:
        await asyncio.sleep(0.01)
    assert consuming.committed == []
    assert await consuming.parts.store.notifications() == []
    consuming.parts.ledger.down = False
    await running
    assert await consuming.parts.states() == ["owed"]


async def test_a_batch_is_compared_with_the_ledger_in_one_call(
    consuming: Consuming, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = consuming.parts.ledger
    shares = [ledger.add_share() for _ in range(20)]
    calls = consuming.parts.count_calls(monkeypatch)
    await consuming.consume(*(relayed(offset, share) for offset, share in enumerate(shares)))
    assert calls == [(-1, 20)]


async def test_two_batches_about_the_same_children_never_wait_for_each_other(consuming: Consuming) -> None:
    """One in the ledger's order and one against it: each would hold what the other waits for."""
    children = [f"{number:032x}" for number in range(12)]
    reports = [consuming.parts.report("E06000005", child=child) for child in children]
    again = [consuming.parts.report("E06000047", child=child) for child in reversed(children)]
    beside = Consuming(consuming.parts)
    await asyncio.gather(
        consuming.consume(*(relayed(offset, report) for offset, report in enumerate(reports))),
        beside.consume(*(relayed(offset, report) for offset, report in enumerate(again))),
    )
    assert (consuming.consumers, beside.consumers) == (1, 1)
    assert len(await consuming.parts.moves()) == len(children)


async def test_an_entry_that_this_release_cannot_read_stays_open_and_holds_up_no_other(consuming: Consuming) -> None:
    """A newer ledger wrote a type that is unknown here: whoever knows it takes it in later."""
    ledger = consuming.parts.ledger
    first, new, last = ledger.add_share(), ledger.add_share(), ledger.add_share()
    readable = encode_entry(new)
    unknown = readable.replace(b'"share.recorded"', b'"share.imagined"')
    ledger.leaves[new.position] = unknown
    await consuming.consume(relayed(0, first), record(1, unknown, {"position": "1"}))
    assert await consuming.parts.reconciler.reconcile(grace_s=0) == 1
    assert [each.entry for each in await consuming.parts.store.notifications()] == [first.id, last.id]
    assert await consuming.parts.store.complete_up_to() == 0
    assert consuming.strange() == []
    del ledger.leaves[new.position]
    assert await consuming.parts.new_reconciler().reconcile(grace_s=0) == 1
    assert await consuming.parts.store.complete_up_to() == 2


async def test_a_client_that_stops_by_cancelling_itself_does_not_end_the_intake(consuming: Consuming) -> None:
    """After a failure the client may stop with its own tasks' cancellation: nobody asked the notifier to end."""

    def cancelled() -> None:
        raise asyncio.CancelledError

    share = consuming.parts.ledger.add_share()
    consuming.parts.ledger.down = True
    consuming.stopping = cancelled
    running = asyncio.create_task(consuming.consume(relayed(0, share)))
    while consuming.consumers < 3:
        await asyncio.sleep(0.01)
        assert not running.done()
    consuming.parts.ledger.down = False
    await running
    assert await consuming.parts.states() == ["owed"]
