"""Which agency and key a signature belongs to, by a copy of the registry that is at most a second old."""

from services.gateway.ports import Ledger
from shared.clock import Clock
from shared.ledger.registry import AgencyFacts, RegisteredKey, UnknownKey
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.keys import PublicKey, public_key_from_jwk

LOOKS_PER_SECOND = 20


class KnownKeys:
    """Finds keys.

    A key revoked within the last second may still pass here; the ledger's sequencer, which knows at once, refuses it.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock) -> None:
        self.registry = RegistryCopy(ledger)
        self._clock = clock
        self._public_keys: dict[str, PublicKey] = {}
        self._looks_left = LOOKS_PER_SECOND

    async def follow(self) -> None:
        """Follow the registry until cancelled."""
        await self.registry.follow(self._allow_looks)

    async def key(self, thumbprint: str) -> tuple[RegisteredKey, AgencyFacts, PublicKey]:
        """Return a key that may sign now, whose it is, and the means to verify with it.

        A key not known yet is looked for once in the ledger. Raises UnknownKey, KeyNotValid or KeyRevoked.
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
        # Strangers with made-up keys must not turn into load on the ledger: so many looks a second, and no more.
        if self._looks_left > 0:
            self._looks_left -= 1
            await self.registry.refresh()

    def _allow_looks(self) -> None:
        self._looks_left = LOOKS_PER_SECOND
