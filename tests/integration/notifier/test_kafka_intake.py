"""What Kafka brings is taken in only when the ledger has it, and nothing that Kafka does ends the notifier (G5, G6)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec
import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord

from services.notifier.adapters import kafka_intake
from services.notifier.adapters.kafka_intake import IntakeSettings, KafkaIntake
from shared.entries import Entry, encode_entry
from shared.identifiers import EntryId, Position
from shared.ledger.messages import EntriesPage
from shared.vocabulary import EntryType
from tests.machinery.intake import TOPIC, FakeConsumer, IntakeParts, intake_on, record, relayed
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
        running = asyncio.create_task(self.intake().run())
        while not running.done() and self.committed[-1:] != [len(self.records)]:
            await asyncio.sleep(0.01)
        assert not running.done()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    async def strange(self) -> list[int]:
        """Return the offsets of records that were noted as none of this ledger's."""
        return [
            int(str(row[0])) for row in await self.parts.rows('SELECT "offset" FROM notifier.unreadable ORDER BY 1')
        ]


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
    assert (await consuming.strange(), consuming.losses) == ([], 0)


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
    assert await consuming.strange() == [1]


async def test_another_ledgers_record_does_not_stand_for_the_one_at_its_position(consuming: Consuming) -> None:
    """Two ledgers share a topic: the other's position 0 comes first, and this one's is taken in all the same."""
    share = consuming.parts.ledger.add_share()
    other = forged(share, 0)
    await consuming.consume(relayed(0, other, origin="other/log"), relayed(1, share))
    (owed,) = await consuming.parts.store.notifications()
    assert (owed.entry, owed.came_by) == (share.id, "kafka")
    assert await consuming.strange() == [0]


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
    assert await consuming.strange() == [0, 1]


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
    calls: list[tuple[int, int]] = []
    ask = ledger.entries

    async def counted(*, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        calls.append((after, limit))
        return await ask(after=after, limit=limit, registry_only=registry_only)

    monkeypatch.setattr(ledger, "entries", counted)
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
    assert await consuming.strange() == []
    del ledger.leaves[new.position]
    assert await consuming.parts.reconciler.reconcile(grace_s=0) == 1
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
