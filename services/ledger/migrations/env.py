"""Runs the ledger's migrations on a connection handed in by ``deploy.migrate``."""

from alembic import context
from sqlalchemy import Connection

from services.ledger.adapters.tables import SCHEMA, metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="alembic_version",
    version_table_schema=SCHEMA,
    include_schemas=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
