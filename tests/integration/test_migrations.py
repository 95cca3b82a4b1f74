"""The migrations make exactly the tables that the code speaks of, hold up nobody meanwhile, and can be run again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from deploy import migrate as migrating
from deploy.migrate import ROLES, migrate, prepare, run_migrations
from services.ledger.adapters import tables as ledger
from services.notifier.adapters import tables as notifier
from shared.errors import Unavailable
from tests.machinery.postgres import Database

PASSWORDS = dict.fromkeys(ROLES, "a-password-for-the-tests-only")


def differences(connection: Connection, metadata: MetaData) -> list[object]:
    """Return what differs between the database and what the code says, in that schema."""
    options = {
        "include_schemas": True,
        "version_table": "alembic_version",
        "version_table_schema": metadata.schema,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == metadata.schema,
        "compare_type": True,
    }
    found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return found


async def as_the_release_before(database: Database) -> None:
    """Bring an empty database to where the migrations ended before those that are run below."""
    engine = create_async_engine(database.sqlalchemy_url)
    async with engine.connect() as connection:
        await connection.run_sync(prepare, PASSWORDS)
        await connection.run_sync(lambda on: run_migrations(on, "ledger", to="0007"))
        await connection.run_sync(lambda on: run_migrations(on, "notifier", to="0003"))
    await engine.dispose()


async def check_tables(database: Database) -> None:
    """Fail unless the database is what the code says."""
    engine = create_async_engine(database.sqlalchemy_url)
    async with engine.connect() as connection:
        for metadata in (ledger.metadata, notifier.metadata):
            assert await connection.run_sync(differences, metadata) == []
    await engine.dispose()


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection of its own."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def waiting(watcher: asyncpg.Connection, migrated: asyncio.Task[None]) -> tuple[int, str] | None:
    """Return which process waits to do what to an index, once one does; None once the migrations have ended."""
    while not migrated.done():
        row = await watcher.fetchrow(
            "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query ~ '(CREATE|DROP) INDEX'"
        )
        if row is not None:
            return row["pid"], " ".join(row["query"].split())
        await asyncio.sleep(0.01)
    return None


async def append(writer: asyncpg.Connection, position: int) -> None:
    """Append an entry; raise when something holds it up."""
    await writer.execute(
        "INSERT INTO ledger.entry (position, entry_id, type, leaf, leaf_hash) VALUES ($1, $2, 'hold.placed', $3, $3)",
        position,
        f"{position:032x}",
        b"{}",
    )


async def test_migrations_make_what_the_tables_say_and_run_again_without_harm(fresh_database: Database) -> None:
    for _ in range(2):
        await migrate(fresh_database.superuser_dsn, passwords=PASSWORDS)
    await check_tables(fresh_database)


async def test_no_append_waits_for_a_migration_that_waits_for_an_export(fresh_database: Database) -> None:
    await as_the_release_before(fresh_database)
    seen: list[str] = []
    async with connected(fresh_database) as writer, connected(fresh_database) as watcher:
        await writer.execute("SET lock_timeout = '2s'")
        await append(writer, 0)
        async with connected(fresh_database) as reader:
            migrated: asyncio.Task[None] | None = None
            while migrated is None or not migrated.done():
                async with reader.transaction(isolation="repeatable_read", readonly=True):
                    await reader.fetchval("SELECT count(*) FROM ledger.entry")
                    if migrated is None:
                        migrated = asyncio.create_task(migrate(fresh_database.superuser_dsn, passwords=PASSWORDS))
                    found = await waiting(watcher, migrated)
                    if found is not None:
                        seen.append(found[1])
                        await append(writer, len(seen))
                        assert await writer.fetchval("SELECT count(*) FROM ledger.entry") == len(seen) + 1
        await migrated
        assert await writer.fetchval("SELECT count(*) FROM ledger.entry") == len(seen) + 1
    for statement in (
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS entry_kept_or_erased",
        "DROP INDEX CONCURRENTLY IF EXISTS ledger.entry_stewardship",
    ):
        assert any(each.startswith(statement) for each in seen), seen
    await check_tables(fresh_database)


async def test_an_index_that_was_left_half_built_is_built_anew(fresh_database: Database) -> None:
    await as_the_release_before(fresh_database)
    is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ledger.entry_kept_or_erased')"
    async with connected(fresh_database) as reader, connected(fresh_database) as watcher:
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            await reader.fetchval("SELECT count(*) FROM ledger.entry")
            migrated = asyncio.create_task(migrate(fresh_database.superuser_dsn, passwords=PASSWORDS))
            found = await waiting(watcher, migrated)
            assert found is not None
            assert "entry_kept_or_erased" in found[1]
            await watcher.execute("SELECT pg_terminate_backend($1)", found[0])
            with pytest.raises(SQLAlchemyError):
                await migrated
        assert await watcher.fetchval(is_valid) is False
        assert await watcher.fetchval("SELECT to_regclass('ledger.entry_stewardship')") is not None
        await migrate(fresh_database.superuser_dsn, passwords=PASSWORDS)
        assert await watcher.fetchval(is_valid) is True
    await check_tables(fresh_database)


async def test_a_migration_does_not_queue_for_long_where_others_queue_behind_it(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_TIMEOUT_S", 1)
    await as_the_release_before(fresh_database)
    async with connected(fresh_database) as reader:
        async with reader.transaction():
            await reader.execute("LOCK TABLE notifier.notification IN ACCESS SHARE MODE")
            with pytest.raises(Unavailable) as refused:
                await migrate(fresh_database.superuser_dsn, passwords=PASSWORDS)
            assert refused.value.remedy == "Repeat: exchange migrate"
        await migrate(fresh_database.superuser_dsn, passwords=PASSWORDS)
    await check_tables(fresh_database)


async def test_two_who_migrate_at_once_take_turns(fresh_database: Database) -> None:
    await as_the_release_before(fresh_database)
    await asyncio.gather(*(migrate(fresh_database.superuser_dsn, passwords=PASSWORDS) for _ in range(2)))
    await check_tables(fresh_database)


async def test_what_is_under_way_is_as_urgent_as_the_time_that_was_given_for_it(fresh_database: Database) -> None:
    await as_the_release_before(fresh_database)
    given = {"an hour": 1, "four hours": 4, "a day": 24, "a week": 168}
    async with connected(fresh_database) as connection:
        for state in ("owed", "decided"):
            for name, hours in given.items():
                await connection.execute(
                    "INSERT INTO notifier.notification (obligation_id, entry_id, entry_type, position, recipient,"
                    " state, due_at, created_at, next_attempt_at, came_by) VALUES ($1, $1, 'share.recorded', 1,"
                    " 'authority:E06000005', $2, now() + $3 * interval '1 hour', now(), now(), 'ledger')",
                    f"{state} {name}",
                    state,
                    hours,
                )
        await migrate(fresh_database.superuser_dsn, passwords=PASSWORDS)
        rows = await connection.fetch("SELECT obligation_id, urgency FROM notifier.notification")
    found = {row["obligation_id"]: row["urgency"] for row in rows}
    assert [found[f"owed {name}"] for name in given] == ["immediate", "same_day", "one_working_day", "routine"]
    assert {found[f"decided {name}"] for name in given} == {"immediate"}
