"""A database that stops is no fault of the notifier's; a value that it will not take is one, and calls a person."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.postgres import EmbeddedPostgres
from services.notifier.adapters.database_away import DATABASE_AWAY
from shared.process.taking_turns import category_of
from tests.machinery.postgres import running_postgres


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that may be stopped, by whatever thread."""
    with running_postgres() as server:
        yield server


async def category(work: Callable[[], Awaitable[object]]) -> str:
    """Return how the failure of some work is judged."""
    try:
        await work()
    except Exception as error:
        return category_of(error, away=DATABASE_AWAY)
    return "none"


def engine_on(server: EmbeddedPostgres, **options: object) -> AsyncEngine:
    url = server.dsn("postgres").replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(url, **options)


async def ask(engine: AsyncEngine, query: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(query))


async def test_a_server_that_is_shut_down_and_started_again_is_never_a_fault(own_server: EmbeddedPostgres) -> None:
    """Asked while it stops, while it is away, and with connections that it broke, with and without looking first."""
    engines = [engine_on(own_server, pool_pre_ping=True), engine_on(own_server)]
    judged: list[str] = []

    async def keep_asking(engine: AsyncEngine) -> None:
        while True:
            judged.append(await category(lambda: ask(engine, "SELECT pg_sleep(0.05)")))
            await asyncio.sleep(0.005)

    asking = [asyncio.create_task(keep_asking(engine)) for engine in engines for _ in range(4)]
    for _ in range(2):
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own_server.stop)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(own_server.start)
    await asyncio.sleep(0.3)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    for engine in engines:
        await engine.dispose()
    assert set(judged) == {"none", "Unavailable"}


async def test_a_session_that_is_ended_between_two_questions_is_no_fault(postgres_server: EmbeddedPostgres) -> None:
    engine = engine_on(postgres_server)

    async def broken() -> None:
        async with engine.begin() as connection:
            backend = await connection.scalar(text("SELECT pg_backend_pid()"))
            postgres_server.execute(f"SELECT pg_terminate_backend({backend})")
            await connection.execute(text("SELECT 1"))

    assert await category(broken) == "Unavailable"
    await engine.dispose()


async def test_too_many_connections_are_no_fault(postgres_server: EmbeddedPostgres) -> None:
    postgres_server.execute("CREATE ROLE no_session LOGIN CONNECTION LIMIT 0 PASSWORD 'a-password-for-the-tests-only'")
    url = engine_on(postgres_server).url.set(username="no_session", password="a-password-for-the-tests-only")
    engine = create_async_engine(url)
    assert await category(lambda: ask(engine, "SELECT 1")) == "Unavailable"
    await engine.dispose()
    postgres_server.execute("DROP ROLE no_session")


@pytest.mark.parametrize(
    ("said", "judged"),
    [
        (asyncpg.AdminShutdownError, "Unavailable"),
        (asyncpg.CannotConnectNowError, "Unavailable"),
        (asyncpg.ConnectionDoesNotExistError, "Unavailable"),
        (asyncpg.TooManyConnectionsError, "Unavailable"),
        (asyncpg.DiskFullError, "Unavailable"),
        (asyncpg.DeadlockDetectedError, "Conflict"),
        (asyncpg.SerializationError, "Conflict"),
        (asyncpg.UndefinedTableError, "Fault"),
        (asyncpg.UniqueViolationError, "Fault"),
    ],
)
async def test_what_postgresql_says_is_judged_by_its_sqlstate_bare_and_as_sqlalchemy_wraps_it(
    said: type[asyncpg.PostgresError], judged: str
) -> None:
    bare = said("so it said")
    assert category_of(bare, away=DATABASE_AWAY) == judged
    assert category_of(exc.DBAPIError("SELECT 1", None, bare), away=DATABASE_AWAY) == judged


async def test_what_the_driver_cannot_send_is_a_fault_of_ours(postgres_server: EmbeddedPostgres) -> None:
    """Or whoever waits for the database to come back waits for ever."""
    engine = engine_on(postgres_server)

    async def too_large() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT CAST(:n AS integer)"), {"n": 2**40})

    async def no_text() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT CAST(:t AS text)"), {"t": datetime(2026, 11, 24, tzinfo=UTC)})

    assert await category(too_large) == "Fault"
    assert await category(no_text) == "Fault"
    await engine.dispose()
