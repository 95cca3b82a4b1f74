"""The ring of key-encryption keys: which of them wraps what is new, while every one that is there still opens."""

from collections.abc import Callable

from services.ledger.domain import sealing
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.ports import KeyEncryption
from shared.errors import IntegrityFailure, Unavailable


class KeyRing:
    """Wraps under the current key and unwraps under any.

    Which key is current is what the ledger's entries say (``encryption_key.rotated``), never which file or object is
    the newest: a key that was made just before a crash must not be used before its entry is there.
    """

    def __init__(self, keys: KeyEncryption, *, random: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._random = random
        self._current: str | None = None

    @property
    def current(self) -> str:
        """The id of the key that wraps what is new. Raises Unavailable before it was taken up."""
        if self._current is None:
            raise Unavailable("which key-encryption key is current is not known yet")
        return self._current

    async def take_up(self, recorded: str | None) -> None:
        """Use the key that the ledger's entries name, or the oldest when there was never a rotation.

        Raises IntegrityFailure when it is not there, Unavailable when the keeper does not answer.
        """
        known = await self._keys.epochs()
        current = recorded if recorded is not None else next(iter(known), None)
        if current is None or current not in known:
            raise IntegrityFailure(
                f"the key-encryption key {current or 'of this ledger'} is not there",
                remedy="Restore it from its backup: without it nothing that is sealed can be opened.",
            )
        self._current = current

    async def begin(self) -> None:
        """Make the first key, for a ledger that is still empty; one that is there already is used."""
        known = await self._keys.epochs()
        self._current = known[0] if known else await self._keys.make()

    async def next_key(self) -> str:
        """Return the key that follows the current one: one left over from an attempt that crashed, or a new one."""
        newest = (await self._keys.epochs())[-1]
        return newest if newest != self.current else await self._keys.make()

    def change_to(self, kek_id: str) -> None:
        """Wrap what is new under another key from now on. Call once the ledger's entries say so."""
        self._current = kek_id

    async def known(self) -> tuple[str, ...]:
        """Return the ids of the keys that are there, the oldest first."""
        return await self._keys.epochs()

    async def wrap(self, plain: bytes, *, key_id: str) -> DataKey:
        """Return a data key wrapped under the current key. Raises Unavailable when the keeper does not answer."""
        kek_id = self.current
        nonce = self._random(sealing.NONCE_BYTES)
        content = await self._keys.wrap(plain, kek_id=kek_id, key_id=key_id, nonce=nonce)
        return DataKey(key_id, plain, WrappedKey(kek_id, content))

    async def unwrap(self, wrapped: WrappedKey, *, key_id: str) -> DataKey:
        """Return the data key that was wrapped. Raises IntegrityFailure when it does not open, or Unavailable."""
        plain = await self._keys.unwrap(wrapped.content, kek_id=wrapped.kek_id, key_id=key_id)
        return DataKey(key_id, plain, wrapped)

    async def destroy(self, kek_id: str) -> None:
        """Destroy a key for good. The caller has made sure that nothing is wrapped under it any more."""
        await self._keys.destroy(kek_id)
