"""The real parts that every test may ask for by name."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.local.embedded_broker import EmbeddedBroker
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import EmbeddedPostgres
from tests.machinery.broker import running_embedded_broker, running_kafka
from tests.machinery.exchange import TestExchange, running_exchange
from tests.machinery.postgres import Database, running_postgres
from tests.machinery.postgres import fresh_database as database_on


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """One embedded PostgreSQL for the whole session."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def fresh_database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    """An empty database on the session's server, dropped after the test."""
    with database_on(postgres_server) as database:
        yield database


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """One embedded broker for the whole session: use topics of your own."""
    with running_embedded_broker() as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """One real Apache Kafka for the whole session. Tests that ask for it carry the mark ``kafka``."""
    with running_kafka() as node:
        yield node


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def exchange() -> AsyncIterator[TestExchange]:
    """One whole exchange for the session, for tests that leave it as they found it, entries apart."""
    async with running_exchange() as running:
        yield running
