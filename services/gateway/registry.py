"""The gateway's copy of the registry: which agency and key a signature belongs to, at most a second old."""

import asyncio

import structlog

from services.gateway.ports import Ledger
from shared.clock import Clock
from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError, Unavailable
from shared.ledger.registry import AgencyFacts, RegisteredKey, Registry, UnknownKey
from shared.signatures.keys import PublicKey, public_key_from_jwk
from shared.vocabulary import EntryType

REFRESH_S = 1.0
LOOKS_PER_REFRESH = 20
PAGE = 500

log = structlog.get_logger()


class RegistryCopy:
    """Follows the ledger's registry entries.

    A key revoked within the last second may still pass here; the ledger's sequencer, which knows at once, refuses it.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._registry = Registry()
        self._genesis: Entry | None = None
        self._public_keys: dict[str, PublicKey] = {}
        self._refreshing = asyncio.Lock()
        self._looks_left = LOOKS_PER_REFRESH

    @property
    def current(self) -> Registry:
        """The registry as last read."""
        return self._registry

    async def refresh(self) -> None:
        """Read what is new. Raises Unavailable when the ledger does not answer."""
        async with self._refreshing:
            while True:
                page = await self._ledger.entries(after=self._registry.position, limit=PAGE, registry_only=True)
                for stored in page.entries:
                    entry = parse_entry(stored.leaf)
                    if entry.type is EntryType.LEDGER_OPENED:
                        self._genesis = entry
                    self._registry = self._registry.with_entry(entry)
                if len(page.entries) < PAGE:
                    return

    async def follow(self) -> None:
        """Refresh every second until cancelled."""
        while True:
            self._looks_left = LOOKS_PER_REFRESH
            try:
                await self.refresh()
            except ExchangeError as error:
                log.warning("registry_not_refreshed", code=error.code)
            await asyncio.sleep(REFRESH_S)

    async def key(self, thumbprint: str) -> tuple[RegisteredKey, AgencyFacts, PublicKey]:
        """Return a key that may sign now, whose it is, and the means to verify with it.

        A key not known yet is looked for once in the ledger. Raises UnknownKey, KeyNotValid or KeyRevoked.
        """
        if thumbprint not in self._registry.keys:
            await self._look_again()
        registered = self._registry.key_valid_at(thumbprint, at=self._clock.now())
        agency = self._registry.agencies.get(registered.agency)
        if agency is None:
            raise UnknownKey("the agency that this key belongs to is not registered", remedy="Ask the operator.")
        public_key = self._public_keys.get(thumbprint)
        if public_key is None:
            public_key = self._public_keys[thumbprint] = public_key_from_jwk(registered.jwk)
        return registered, agency, public_key

    def log_facts(self) -> tuple[str, str]:
        """Return the log's origin and verifier key, from its first entry. Raises Unavailable before it is known."""
        if self._genesis is None:
            raise Unavailable("the ledger's first entry has not been read yet")
        return str(self._genesis.facts["origin"]), str(self._genesis.facts["vkey"])

    async def _look_again(self) -> None:
        # Strangers with made-up keys must not turn into load on the ledger: so many looks a second, and no more.
        if self._looks_left > 0:
            self._looks_left -= 1
            await self.refresh()
