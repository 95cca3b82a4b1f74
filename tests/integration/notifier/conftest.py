"""The notifier's parts, for the tests that drive them by hand."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.machinery.notifier import Notifier, notifier_over
from tests.machinery.postgres import Database


@pytest_asyncio.fixture
async def notifier(fresh_database: Database) -> AsyncIterator[Notifier]:
    """Give the parts over an empty database."""
    async with notifier_over(fresh_database) as parts:
        yield parts
