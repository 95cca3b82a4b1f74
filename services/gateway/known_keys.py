"""Which agency and key a signature belongs to, by a copy of the registry that is at most a second old."""

import asyncio

from shared.clock import Clock
from shared.ledger.registry import AgencyFacts, RegisteredKey, UnknownKey
from shared.ledger.registry_copy import RegistryCopy, RegistryEntries
from shared.signatures.keys import PublicKey, public_key_from_jwk

LOOK_EVERY_S = 0.05


class KnownKeys:
    """Finds keys.

    A key revoked within the last second may still pass here; the ledger's sequencer, which knows at once, refuses it.
    """

    def __init__(self, ledger: RegistryEntries, *, clock: Clock) -> None:
        self.registry = RegistryCopy(ledger)
        self._clock = clock
        self._public_keys: dict[str, PublicKey] = {}
        self._next_look: asyncio.Task[None] | None = None
        self._look_not_before = 0.0

    async def follow(self) -> None:
        """Follow the registry until cancelled."""
        await self.registry.follow()

    async def key(self, thumbprint: str) -> tuple[RegisteredKey, AgencyFacts, PublicKey]:
        """Return a key that may sign now, whose it is, and the means to verify with it.

        A key not known yet is looked for once in the ledger. Raises UnknownKey, KeyNotValid, KeyRevoked or Unavailable.
        """
        if thumbprint not in self.registry.current.keys:
            await self._look_again()
        registered = self.registry.current.key_valid_at(thumbprint, at=self._clock.now())
        agency = self.registry.current.agencies.get(registered.agency)
        if agency is None:
            raise UnknownKey("the agency that this key belongs to is not registered", remedy="Ask the operator.")
        public_key = self._public_keys.get(thumbprint)
        if public_key is None:
            public_key = self._public_keys[thumbprint] = public_key_from_jwk(registered.jwk)
        return registered, agency, public_key

    async def _look_again(self) -> None:
        # Whoever asks before the next look begins shares it. Strangers with made-up keys cost the ledger one look in
        # LOOK_EVERY_S at most, and never make a key that was registered a moment ago look unknown.
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look())
        await asyncio.shield(self._next_look)

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, self._look_not_before - now))
        # From here on this look may miss what is registered: who comes now needs the one after.
        self._next_look = None
        self._look_not_before = asyncio.get_running_loop().time() + LOOK_EVERY_S
        await self.registry.refresh()
