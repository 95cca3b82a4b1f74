"""A real PostgreSQL for a whole test session, and an empty database in it for each test."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.postgres import EmbeddedPostgres


@dataclass(frozen=True, slots=True)
class Database:
    """One empty database. ``superuser_dsn`` is as asyncpg reads it and carries the password."""

    name: str
    superuser_dsn: str
    server: EmbeddedPostgres

    @property
    def sqlalchemy_url(self) -> str:
        """The same address for SQLAlchemy over asyncpg."""
        return self.superuser_dsn.replace("postgresql://", "postgresql+asyncpg://", 1)


@contextmanager
def running_postgres() -> Iterator[EmbeddedPostgres]:
    """Give a server of its own, started; delete it and its data afterwards."""
    home = Path(tempfile.mkdtemp(prefix="exchange-test-"))
    # pytest's own folders are closed to PostgreSQL's user; this one may be walked through, so the data stays in it.
    home.chmod(0o711)
    server = EmbeddedPostgres(home / "postgres", password_file=home / "superuser.password")
    try:
        server.start()
        yield server
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[Database]:
    """Give a new, empty database on ``server``; drop it afterwards, whoever is still connected."""
    name = f"test_{os.getpid()}_{secrets.token_hex(6)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield Database(name=name, superuser_dsn=server.dsn(name), server=server)
    finally:
        server.start()
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
