"""The migrations make exactly the tables that the code speaks of, and can be run again."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.migrate import ROLES, migrate
from services.ledger.adapters import tables as ledger
from services.notifier.adapters import tables as notifier
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


async def test_migrations_make_what_the_tables_say_and_run_again_without_harm(fresh_database: Database) -> None:
    for _ in range(2):
        await migrate(fresh_database.superuser_dsn, passwords=PASSWORDS)
    engine = create_async_engine(fresh_database.sqlalchemy_url)
    async with engine.connect() as connection:
        for metadata in (ledger.metadata, notifier.metadata):
            assert await connection.run_sync(differences, metadata) == []
    await engine.dispose()
