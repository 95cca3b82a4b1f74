"""Logs of their own for the tests that break ledgers."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.secret_files import SecretFiles
from tests.machinery.behind import Behind, copied, log_behind
from tests.machinery.lean_ledger import LeanLedger, lean_ledger, migrated_template


@pytest.fixture(scope="session")
def template(postgres_server: EmbeddedPostgres) -> Iterator[tuple[str, SecretFiles]]:
    """A migrated database to copy, and its secrets."""
    with migrated_template(postgres_server) as made:
        yield made


@pytest.fixture
def ledger(postgres_server: EmbeddedPostgres, template: tuple[str, SecretFiles]) -> Iterator[LeanLedger]:
    """An empty log without a process yet."""
    with lean_ledger(postgres_server, *template) as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def first_behind(postgres_server: EmbeddedPostgres, template: tuple[str, SecretFiles]) -> AsyncIterator[Behind]:
    """A log that has committed more than it has published, to be copied."""
    async with log_behind(postgres_server, template) as made:
        yield made


@pytest.fixture
def behind(first_behind: Behind) -> Iterator[Behind]:
    """A log that has committed more than it has published, without a process."""
    with copied(first_behind) as made:
        yield made
