"""Who identifiers name, asked of Postgres: as quick in a ledger of millions as in an empty one."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from deploy.migrate import ROLES, migrate
from services.ledger.adapters.postgres_children import PostgresChildren
from services.ledger.adapters.postgres_pool import postgres_pool
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.adapters.writer_session import WRITER_ROLE
from services.ledger.domain.plan import IdentifierToken
from shared.identifiers import ChildRef
from shared.vocabulary import EntryType
from tests.machinery.postgres import Database

PASSWORD = "a-password-for-the-tests-only"
KNOWN, SIMILAR, OTHER = (ChildRef(letter * 32) for letter in "abc")


@pytest_asyncio.fixture
async def pool(fresh_database: Database) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    await migrate(fresh_database.superuser_dsn, passwords=dict.fromkeys(ROLES, PASSWORD))
    server = fresh_database.server
    dsn = f"postgresql:///{fresh_database.name}?host={server.socket_dir}&port={server.port}"
    async with postgres_pool(dsn, user=WRITER_ROLE, password=PASSWORD, size=1) as made:
        yield made


async def point(
    pool: "asyncpg.Pool[asyncpg.Record]",
    token: bytes,
    ref: ChildRef,
    *,
    identifying: bool,
    by: EntryType = EntryType.SHARE_RECORDED,
) -> None:
    """Have an entry about a child say a hash that points at it."""
    position = await pool.fetchval(
        "INSERT INTO ledger.entry (position, entry_id, type, leaf, leaf_hash)"
        " SELECT count(*), md5(count(*)::text), $1, '', '' FROM ledger.entry RETURNING position",
        by.value,
    )
    await pool.execute(
        "INSERT INTO ledger.child_entry (ref, version, position, roles)"
        " SELECT $1::text, count(*) + 1, $2, '{}' FROM ledger.child_entry WHERE ref = $1",
        ref,
        position,
    )
    await pool.execute(
        "INSERT INTO ledger.child_identifier (token, ref, identifying, position) VALUES ($1, $2, $3, $4)",
        token,
        ref,
        identifying,
        position,
    )


def said(token: bytes) -> IdentifierToken:
    return IdentifierToken(token, identifying=True)


def suggested(token: bytes) -> IdentifierToken:
    return IdentifierToken(token, identifying=False)


async def whole_reads(pool: "asyncpg.Pool[asyncpg.Record]", table: str) -> int:
    """Return how often a table was read as a whole, the pool's own last statements included."""
    await pool.execute("SELECT pg_stat_force_next_flush()")
    return int(await pool.fetchval("SELECT seq_scan FROM pg_stat_user_tables WHERE relid = $1::text::regclass", table))


async def test_identifying_hashes_name_the_child_and_the_others_only_suggest(
    pool: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    await point(pool, b"identifies", KNOWN, identifying=True)
    await point(pool, b"suggests", SIMILAR, identifying=False)
    await point(pool, b"suggests", KNOWN, identifying=False)
    await point(pool, b"identifies another", OTHER, identifying=True)
    named = (said(b"identifies"), suggested(b"suggests"), suggested(b"identifies another"), suggested(b"unknown"))
    resolved, nobody = await PostgresChildren(pool).resolve([named, (suggested(b"suggests"),)])
    assert resolved.ref == KNOWN
    assert set(resolved.similar) == {SIMILAR, OTHER}
    assert nobody.ref is None
    assert set(nobody.similar) == {KNOWN, SIMILAR}


async def test_of_two_identified_children_the_one_known_longer_is_meant(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    await point(pool, b"first", OTHER, identifying=True)
    await point(pool, b"second", KNOWN, identifying=True)
    (resolved,) = await PostgresChildren(pool).resolve([(said(b"second"), said(b"first"))])
    assert (resolved.ref, resolved.similar) == (OTHER, (KNOWN,))


async def test_a_child_of_whom_nothing_was_told_is_found_by_its_own_names_and_suggested_to_nobody(
    pool: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    await point(pool, b"identifies", KNOWN, identifying=True, by=EntryType.WITHHOLDING_RECORDED)
    await point(pool, b"suggests", KNOWN, identifying=False, by=EntryType.WITHHOLDING_RECORDED)
    asked = [(said(b"identifies"),), (suggested(b"suggests"),), (suggested(b"identifies"),)]
    found = await PostgresChildren(pool).resolve(asked)
    assert [(each.ref, each.similar) for each in found] == [(KNOWN, ()), (None, ()), (None, ())]


async def test_no_table_is_read_as_a_whole_to_say_who_is_named(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """Nor by a plan that was made, and kept, while the table held next to nothing."""
    await point(pool, b"identifies", KNOWN, identifying=True)
    tables = ("ledger.child_identifier", "ledger.child_entry", "ledger.data_key")
    before = [await whole_reads(pool, table) for table in tables]
    children, reader = PostgresChildren(pool), PostgresReader(pool)
    for _ in range(10):
        await children.resolve([(said(b"identifies"), suggested(b"suggests"))])
        await reader.wrapped_key(KNOWN)
    assert [await whole_reads(pool, table) for table in tables] == before
