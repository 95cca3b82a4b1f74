"""A copy of the registry that follows the ledger, at most a second behind."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog

from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError, Unavailable
from shared.ledger.messages import EntriesPage, StoredEntry
from shared.ledger.registry import Registry, RegistryDraft
from shared.process.logs import fault
from shared.vocabulary import EntryType

REFRESH_S = 1.0
FRESH_FOR_S = 5.0
"""How old a copy may be that is followed: a look that is late, or one that failed and was repeated."""

PAGE = 500

log = structlog.get_logger()


class RegistryEntries(Protocol):
    """Where registry entries are read from."""

    async def entries(self, *, after: int, limit: int = PAGE, registry_only: bool = False) -> EntriesPage:
        """Return entries after a position, in order."""
        ...


class RegistryCopy:
    """Follows the ledger's registry entries. One for a process; ``follow`` runs beside everything else."""

    def __init__(self, ledger: RegistryEntries) -> None:
        self._ledger = ledger
        self._genesis: Entry | None = None
        self._refreshing = asyncio.Lock()
        self._refreshed_at_s: float | None = None
        self._ledger_writing = False
        self.current = Registry()

    async def refresh(self) -> None:
        """Read what is new. Raises Unavailable when the ledger does not answer."""
        async with self._refreshing:
            while True:
                page = await self._ledger.entries(after=self.current.position, limit=PAGE, registry_only=True)
                self._fold(page.entries)
                if len(page.entries) < PAGE:
                    self._refreshed_at_s = asyncio.get_running_loop().time()
                    self._ledger_writing = page.writing
                    return

    def _fold(self, entries: Iterable[StoredEntry]) -> None:
        draft = RegistryDraft(self.current)
        try:
            for stored in entries:
                entry = parse_entry(stored.leaf)
                draft.fold(entry)
                if entry.type is EntryType.LEDGER_OPENED:
                    self._genesis = entry
        finally:
            # What comes before an entry that cannot be read, or whose facts do not fit, is known all the same.
            self.current = draft.as_it_stands()

    async def follow(self) -> None:
        """Refresh every second until cancelled, whatever goes wrong: a copy that stands still says so in the log."""
        while True:
            try:
                await self.refresh()
            except ExchangeError as error:
                log.warning("registry_not_refreshed", code=error.code)
            except Exception as error:
                log.error("registry_not_refreshed", **fault(error))
            await asyncio.sleep(REFRESH_S)

    def check_fresh(self) -> None:
        """Raise Unavailable when the copy has not been read to its end within FRESH_FOR_S. Asks the ledger nothing."""
        read_at_s = self._refreshed_at_s
        if read_at_s is None or asyncio.get_running_loop().time() - read_at_s > FRESH_FOR_S:
            raise Unavailable(f"the ledger has given no registry for {FRESH_FOR_S:.0f} seconds")

    def check_writing(self) -> None:
        """Raise Unavailable when the ledger wrote nothing at the latest look. Asks the ledger nothing."""
        if not self._ledger_writing:
            raise Unavailable("the ledger is starting, or cannot write")

    def log_facts(self) -> tuple[str, tuple[str, ...]]:
        """Return the log's origin and the verifier keys that sign it now, the oldest first.

        Raises Unavailable before they are known.
        """
        if self._genesis is None:
            raise Unavailable("the ledger's first entry has not been read yet")
        return str(self._genesis.facts["origin"]), self.current.service_keys.log
