"""Brings a database up to date: roles with passwords, then each service's migrations in its own schema."""

import asyncio
import importlib.resources
import re
from collections.abc import Mapping

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.errors import InvalidInput, Unavailable

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

LOCK_TIMEOUT_S = 5
"""How long a migration may wait for a lock: whoever wants the table waits behind it meanwhile."""

MIGRATION_LOCK = 0x5AFE_0001
TURN_S = 0.2
_IN_THE_WAY = ("55P03", "40P01")
"""What PostgreSQL says of a lock that was not to be had in time, and of a deadlock."""

_PASSWORD = re.compile(r"[A-Za-z0-9_-]{20,200}\Z")


async def migrate(admin_url: str, *, passwords: Mapping[str, str]) -> None:
    """Create what is missing and run every migration that has not run. Safe to repeat, and at the same time as itself.

    ``admin_url`` connects as a role that may create roles and schemas. ``passwords`` has one for each of ROLES; it
    becomes that role's password. Each migration commits by itself, so that none holds a lock through another; what ran
    before one that fails stays, and a repeat goes on there. Nobody who reads or writes waits longer than LOCK_TIMEOUT_S
    for it. Raises InvalidInput when a password is missing or is not 20 to 200 URL-safe characters, Unavailable when
    others held what a migration needs for longer than that.
    """
    for role in ROLES:
        if not _PASSWORD.match(passwords.get(role, "")):
            raise InvalidInput(f"the role {role} needs a password of 20 to 200 letters, digits, - and _")
    engine = create_async_engine(
        make_url(admin_url).set(drivername="postgresql+asyncpg"),
        connect_args={"server_settings": {"lock_timeout": f"{LOCK_TIMEOUT_S}s"}},
    )
    try:
        async with engine.connect() as connection:
            await _take_turn(connection)
            await connection.run_sync(prepare, passwords)
            for service in SERVICES:
                await connection.run_sync(run_migrations, service)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _IN_THE_WAY:
            raise
        raise Unavailable(
            "something that runs on the database held what a migration needs", remedy="Repeat: exchange migrate"
        ) from error
    finally:
        # With its connection the turn ends.
        await engine.dispose()


async def _take_turn(connection: AsyncConnection) -> None:
    """Return once no other migrates this database. It asks again and again instead of waiting in one statement.

    A statement that waits keeps its snapshot, and an index that the other builds waits for every older snapshot: each
    would wait for the other.
    """
    while not await connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": MIGRATION_LOCK}):
        await connection.commit()
        await asyncio.sleep(TURN_S)
    await connection.commit()


def prepare(connection: Connection, passwords: Mapping[str, str]) -> None:
    """Create the roles and schemas, and commit."""
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
    connection.commit()


def run_migrations(connection: Connection, service: str, *, to: str = "head") -> None:
    """Run a service's migrations up to one of them, each in a transaction of its own. The connection is in none."""
    with importlib.resources.as_file(importlib.resources.files(f"services.{service}") / "migrations") as folder:
        if not folder.is_dir():
            return
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    connection.commit()
