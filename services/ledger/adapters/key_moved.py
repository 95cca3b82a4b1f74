"""Two keepers of key-encryption keys at once: the one in use, and the one that was in use before a move."""

from services.ledger.ports import KeyEncryption


class MovedKeys:
    """The keys of ``before`` still open; new ones are made by ``now``. So a ledger moves from a key file to an HSM.

    Which key wraps is not decided here: until the first rotation after the move it is still the old keeper's.
    """

    def __init__(self, *, now: KeyEncryption, before: KeyEncryption) -> None:
        self._now = now
        self._before = before
        self._old: tuple[str, ...] | None = None

    async def epochs(self) -> tuple[str, ...]:
        """Return the ids of both keepers' keys, the older keeper's first."""
        self._old = await self._before.epochs()
        return self._old + await self._now.epochs()

    async def make(self) -> str:
        """Make the next key, where keys are kept now."""
        return await self._now.make()

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        """Return the wrapped form of a data key, by the keeper of that key."""
        return await (await self._keeper(kek_id)).wrap(plain, kek_id=kek_id, key_id=key_id, nonce=nonce)

    async def unwrap(self, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        """Return the data key, by the keeper of the key that it was wrapped under."""
        return await (await self._keeper(kek_id)).unwrap(wrapped, kek_id=kek_id, key_id=key_id)

    async def destroy(self, kek_id: str) -> None:
        """Destroy a key, by its keeper."""
        await (await self._keeper(kek_id)).destroy(kek_id)

    async def _keeper(self, kek_id: str) -> KeyEncryption:
        if self._old is None:
            self._old = await self._before.epochs()
        return self._before if kek_id in self._old else self._now
