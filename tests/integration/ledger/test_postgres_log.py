"""The log's writer in Postgres: elected alone, fenced by the tree head, all of a batch or nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio

from deploy.migrate import ROLES, migrate
from services.ledger.adapters.look_up_connection import LookUpConnection
from services.ledger.adapters.postgres_log import PostgresLog
from services.ledger.adapters.postgres_pool import postgres_pool
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.adapters.writer_session import WRITER_ROLE
from services.ledger.domain.plan import Known, Plan, Prepared, Recent, WriterState
from services.ledger.domain.receipts import answer_bytes, stored_answer
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.domain.sequencing import decide_batch
from services.ledger.ports import CommittedBatch, Head, LookedUp, WriterLost
from shared.errors import IntegrityFailure, InvalidInput, Unavailable
from shared.identifiers import ChildRef, EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency, OwedQuery
from shared.ledger.registry import Registry
from shared.transparency.merkle import EMPTY, Frontier, grow
from shared.vocabulary import EntryType
from tests.machinery.forgetful_relay import forgetful_relay
from tests.machinery.postgres import Database

PASSWORD = "a-password-for-the-tests-only"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest_asyncio.fixture
async def dsn(fresh_database: Database) -> AsyncIterator[str]:
    await migrate(fresh_database.superuser_dsn, passwords=dict.fromkeys(ROLES, PASSWORD))
    server = fresh_database.server
    yield f"postgresql:///{fresh_database.name}?host={server.socket_dir}&port={server.port}"


def planned(frontier: Frontier, *names: str, entry_type: EntryType = EntryType.CONTENT_OPENED) -> Plan:
    """Return a plan of entries that say nothing."""
    requests = [
        Prepared(
            request=AppendRequest(
                entry_id=EntryId(name * 32),
                type=entry_type,
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


def batch(
    frontier: Frontier, *names: str, entry_type: EntryType = EntryType.CONTENT_OPENED
) -> tuple[CommittedBatch, Frontier]:
    """Return a batch of entries on a tree, and the tree after it."""
    plan = planned(frontier, *names, entry_type=entry_type)
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


async def looked_up(log: PostgresLog, *tokens: bytes) -> LookedUp:
    return await log.look_up(answer_tokens=tokens, nonce_tokens=[], children=[], identifier_tokens=[])


async def test_a_damaged_answer_is_found_damaged_and_the_others_beside_it_are_found(
    dsn: str, fresh_database: Database
) -> None:
    log = await PostgresLog.elect(dsn, password=PASSWORD)
    await log.commit(batch(EMPTY, "a", "b")[0])
    connection = await asyncpg.connect(fresh_database.superuser_dsn)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("UPDATE ledger.answer SET body = set_byte(body, 0, 200) WHERE token = 'a'")
    await connection.close()
    found = (await looked_up(log, b"a", b"b")).answers
    assert isinstance(found[b"a"].opened, IntegrityFailure)
    assert found[b"b"].opened is None
    assert found[b"b"].body
    await log.close()


async def test_look_ups_that_come_at_once_are_answered_one_after_the_other(dsn: str) -> None:
    log = await PostgresLog.elect(dsn, password=PASSWORD)
    await log.commit(batch(EMPTY, "a", "b")[0])
    found = await asyncio.gather(*(looked_up(log, token) for token in (b"a", b"b")))
    assert [set(each.answers) for each in found] == [{b"a"}, {b"b"}]
    await log.close()


async def test_openings_of_a_range_are_read_only_for_those_who_ask_who_knew(dsn: str) -> None:
    log = await PostgresLog.elect(dsn, password=PASSWORD)
    await log.commit(batch(EMPTY, "a", entry_type=EntryType.AUDIT_OPENED)[0])
    await log.close()
    async with postgres_pool(dsn, user=WRITER_ROLE, password=PASSWORD, size=1) as pool:
        reader, child = PostgresReader(pool), ChildRef("c" * 32)
        assert await reader.child_entries(child) == ()
        assert len(await reader.hashed_child_entries(child)) == 1


@pytest.mark.parametrize("limit", [-1, 10**18])
async def test_a_page_of_any_size_may_be_asked_for(dsn: str, limit: int) -> None:
    async with postgres_pool(dsn, user=WRITER_ROLE, password=PASSWORD, size=1) as pool:
        reader = PostgresReader(pool)
        assert (await reader.owed(OwedQuery(limit=limit))).owed_count == 0
        assert (await reader.queue(OwedQuery(limit=limit))).owed_count == 0


async def test_the_databases_clock_is_asked(dsn: str) -> None:
    log = await PostgresLog.elect(dsn, password=PASSWORD)
    before = datetime.now(UTC)
    assert before <= await log.time() <= datetime.now(UTC)
    await log.close()


@pytest.mark.parametrize("forgotten", [0, 1], ids=["the session", "the connection for look-ups"])
async def test_a_connection_that_was_forgotten_on_the_way_ends_the_term_though_nothing_is_asked(
    dsn: str, fresh_database: Database, forgotten: int
) -> None:
    async with forgetful_relay(fresh_database) as relay:
        log = await PostgresLog.elect(relay.dsn, password=PASSWORD)
        relay.forget(forgotten)
        with pytest.raises(WriterLost):
            await asyncio.wait_for(log.keep(), 30)
        await log.close()


async def test_nobody_is_elected_whose_connection_for_look_ups_was_forgotten_meanwhile(
    dsn: str, fresh_database: Database
) -> None:
    async with forgetful_relay(fresh_database) as relay:
        log = await PostgresLog.connect(relay.dsn, password=PASSWORD)
        relay.forget(1)
        with pytest.raises(WriterLost):
            await asyncio.wait_for(log.win(), 30)
        await log.close()


async def test_a_look_up_that_waits_on_a_forgotten_connection_is_given_up_too(
    dsn: str, fresh_database: Database
) -> None:
    async with forgetful_relay(fresh_database) as relay:
        log = await PostgresLog.elect(relay.dsn, password=PASSWORD)
        relay.forget(1)
        asked = asyncio.create_task(
            log.look_up(answer_tokens=[b"a"], nonce_tokens=[], children=[], identifier_tokens=[])
        )
        # While it waits, the session is kept all the same.
        keeping = asyncio.create_task(log.keep())
        with pytest.raises(WriterLost):
            await asyncio.wait_for(asked, 20)
        keeping.cancel()
        await log.close()


async def test_what_is_asked_on_a_forgotten_connection_is_given_up(dsn: str, fresh_database: Database) -> None:
    async with forgetful_relay(fresh_database) as relay:
        connection = await LookUpConnection.connect(relay.dsn, password=PASSWORD)
        relay.forget(0)
        with pytest.raises(WriterLost):
            await asyncio.wait_for(connection.fetch("SELECT 1", within_s=0.2), 30)
        await connection.close()
        async with postgres_pool(relay.dsn, user=WRITER_ROLE, password=PASSWORD, size=1, within_s=0.5) as pool:
            reader = PostgresReader(pool)
            assert await reader.checkpoint_at(1) is None
            relay.forget(-1)
            with pytest.raises(Unavailable):
                await asyncio.wait_for(reader.checkpoint_at(1), 30)
            assert await asyncio.wait_for(reader.checkpoint_at(1), 30) is None
