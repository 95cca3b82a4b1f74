"""The log's writer in Postgres: elected alone, fenced by the tree head, all of a batch or nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from deploy.migrate import ROLES, migrate
from services.ledger.adapters.postgres_log import PostgresLog
from services.ledger.domain.plan import Known, Plan, Prepared, Recent, WriterState
from services.ledger.domain.receipts import answer_bytes, stored_answer
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.domain.sequencing import decide_batch
from services.ledger.ports import CommittedBatch, Head
from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.transparency.merkle import EMPTY, Frontier, grow
from shared.vocabulary import EntryType
from tests.machinery.postgres import Database

PASSWORD = "a-password-for-the-tests-only"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest_asyncio.fixture
async def dsn(fresh_database: Database) -> AsyncIterator[str]:
    await migrate(fresh_database.superuser_dsn, passwords=dict.fromkeys(ROLES, PASSWORD))
    server = fresh_database.server
    yield f"postgresql:///{fresh_database.name}?host={server.socket_dir}&port={server.port}"


def planned(frontier: Frontier, *names: str) -> Plan:
    """Return a plan of entries that say nothing."""
    requests = [
        Prepared(
            request=AppendRequest(
                entry_id=EntryId(name * 32),
                type=EntryType.CONTENT_OPENED,
                idempotency=Idempotency("test", name, b""),
                answer=Answer(201, {}),
            ),
            answer_token=name.encode(),
            nonce_token=None,
            fingerprint=b"",
            data_key=DataKey(name * 32, b"", WrappedKey("kek", b"wrapped")),
            key_is_new=True,
            sections=(),
            identifiers=(),
            child_ref=None,
        )
        for name in names
    ]
    return decide_batch(requests, state=WriterState(frontier, NOW, Registry()), known=Known(), recent=Recent(), now=NOW)


def batch(frontier: Frontier, *names: str) -> tuple[CommittedBatch, Frontier]:
    """Return a batch of entries on a tree, and the tree after it."""
    plan = planned(frontier, *names)
    growth = grow(frontier, [each.leaf_hash for each in plan.entries])
    grown = growth.frontier
    stored = [stored_answer(each, path=path) for each, path in zip(plan.entries, growth.paths, strict=True)]
    head = Head(grown.size, grown, b"note")
    return CommittedBatch(frontier.size, head, plan.entries, stored), grown


async def test_a_batch_is_committed_whole_and_found_again(dsn: str) -> None:
    log = await PostgresLog.elect(dsn, password=PASSWORD)
    assert await log.head() is None
    first, grown = batch(EMPTY, "a", "b")
    await log.commit(first)
    head = await log.head()
    assert head is not None
    assert (head.size, head.frontier) == (2, grown)
    found = await log.look_up(answer_tokens=[b"a", b"z"], nonce_tokens=[], children=[], identifier_tokens=[])
    assert set(found.answers) == {b"a"}
    path = grow(EMPTY, [each.leaf_hash for each in first.entries]).paths[0]
    assert found.answers[b"a"].body == answer_bytes(first.entries[0], path=path, checkpoint=b"note")
    await log.close()


async def test_a_batch_with_one_bad_row_leaves_nothing(dsn: str) -> None:
    log = await PostgresLog.elect(dsn, password=PASSWORD)
    first, grown = batch(EMPTY, "a")
    await log.commit(first)
    second, _ = batch(grown, "b", "a")
    with pytest.raises(InvalidInput):
        await log.commit(second)
    head = await log.head()
    assert head is not None
    assert head.size == 1
    await log.close()


async def test_a_second_writer_waits_until_the_first_is_gone(dsn: str) -> None:
    first = await PostgresLog.elect(dsn, password=PASSWORD)
    waiting = asyncio.create_task(PostgresLog.elect(dsn, password=PASSWORD))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await first.close()
    second = await asyncio.wait_for(waiting, 10)
    await second.close()


async def test_two_writers_that_both_believe_themselves_elected_can_never_both_commit(
    dsn: str, fresh_database: Database
) -> None:
    one = await PostgresLog.elect(dsn, password=PASSWORD)
    await one._session.execute("SELECT pg_advisory_unlock_all()")
    other = await PostgresLog.elect(dsn, password=PASSWORD)
    mine, _ = batch(EMPTY, "a")
    theirs, _ = batch(EMPTY, "b", "c")
    await one.commit(mine)
    with pytest.raises(IntegrityFailure):
        await other.commit(theirs)
    head = await other.head()
    assert head is not None
    assert head.size == 1
    for log in (one, other):
        await log.close()
