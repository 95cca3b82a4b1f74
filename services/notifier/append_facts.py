"""Telling the ledger: facts kept here are appended there, each once, for as long as it takes."""

import asyncio

import structlog

from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.facts import request_from_text
from services.notifier.ports import Ledger
from shared.errors import ExchangeError, Unavailable

IDLE_S = 0.2
RETRY_AFTER_S = 1.0
BATCH = 64

log = structlog.get_logger()


class FactAppender:
    """Appends facts. What the ledger cannot take now is kept; what it refuses is kept too, and alarmed."""

    def __init__(self, *, store: PostgresStore, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def run(self) -> None:
        """Append until cancelled."""
        while True:
            try:
                said = await self.append_open()
            except Exception as error:
                # The database is away: the facts are in it, and wait there.
                log.warning("facts_interrupted", kind=type(error).__name__)
                said = 0
                await asyncio.sleep(RETRY_AFTER_S)
            if not said:
                await asyncio.sleep(IDLE_S)

    async def append_open(self) -> int:
        """Append what is open, oldest first; returns how many the ledger took."""
        said = 0
        for key, text in await self._store.open_facts(BATCH):
            try:
                appended = await self._ledger.append(request_from_text(text))
            except Unavailable:
                await asyncio.sleep(RETRY_AFTER_S)
                return said
            except ExchangeError as error:
                log.error("fact_refused", key=key, code=error.code)
                await asyncio.sleep(RETRY_AFTER_S)
                continue
            await self._store.fact_said(key, position=appended.position)
            said += 1
        return said
