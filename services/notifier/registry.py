"""The notifier's copy of the registry: where recipients take pushes."""

import asyncio

import structlog

from services.notifier.ports import Ledger
from shared.entries import parse_entry
from shared.errors import ExchangeError
from shared.ledger.registry import Registry
from shared.vocabulary import EntryType

REFRESH_S = 1.0
PAGE = 500

log = structlog.get_logger()


class RegistryCopy:
    """Follows the ledger's registry entries, at most a second behind."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.current = Registry()
        self.origin = ""

    async def refresh(self) -> None:
        """Read what is new. Raises Unavailable when the ledger does not answer."""
        while True:
            page = await self._ledger.entries(after=self.current.position, limit=PAGE, registry_only=True)
            for stored in page.entries:
                entry = parse_entry(stored.leaf)
                if entry.type is EntryType.LEDGER_OPENED:
                    self.origin = str(entry.facts["origin"])
                self.current = self.current.with_entry(entry)
            if len(page.entries) < PAGE:
                return

    async def follow(self) -> None:
        """Refresh every second until cancelled."""
        while True:
            try:
                await self.refresh()
            except ExchangeError as error:
                log.warning("registry_not_refreshed", code=error.code)
            await asyncio.sleep(REFRESH_S)
