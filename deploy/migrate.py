"""Brings a database up to date: roles with passwords, then each service's migrations in its own schema."""

import importlib.resources
import re
from collections.abc import Mapping

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.errors import InvalidInput

ROLES = (
    "exchange_ledger_writer",
    "exchange_ledger_relay",
    "exchange_ledger_rewrapper",
    "exchange_auditor",
    "exchange_notifier",
)
"""Every role that something connects as. None of them owns a table."""

ERASER = "exchange_ledger_eraser"
"""Owns the one function that erases, and nothing else. Nobody can log in as it: nothing goes without an entry."""

SERVICES = ("ledger", "notifier")
"""Services with a schema of their own, in the order their migrations run."""

MIGRATION_LOCK = 0x5AFE_0001
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{20,200}\Z")


async def migrate(admin_url: str, *, passwords: Mapping[str, str]) -> None:
    """Create what is missing and run every migration that has not run. Safe to repeat, and at the same time as itself.

    ``admin_url`` connects as a role that may create roles and schemas. ``passwords`` has one for each of ROLES; it
    becomes that role's password. Raises InvalidInput when one is missing or is not 20 to 200 URL-safe characters.
    """
    for role in ROLES:
        if not _PASSWORD.match(passwords.get(role, "")):
            raise InvalidInput(f"the role {role} needs a password of 20 to 200 letters, digits, - and _")
    engine = create_async_engine(make_url(admin_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate, passwords)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, passwords: Mapping[str, str]) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})
    for role in ROLES:
        known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
        verb = "ALTER" if known else "CREATE"
        # Neither names nor passwords can be parameters of this statement; both are checked above.
        connection.execute(text(f"{verb} ROLE {role} LOGIN PASSWORD '{passwords[role]}'"))
    if not connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ERASER}).scalar():
        connection.execute(text(f"CREATE ROLE {ERASER}"))
    connection.execute(text(f"ALTER ROLE {ERASER} NOLOGIN PASSWORD NULL"))
    connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    for service in SERVICES:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
        _run_migrations(connection, service)


def _run_migrations(connection: Connection, service: str) -> None:
    with importlib.resources.as_file(importlib.resources.files(f"services.{service}") / "migrations") as folder:
        if not folder.is_dir():
            return
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
