"""Rotating the key-encryption key: a new one, the living data keys wrapped anew, the old one destroyed; each on record.

An erasure is complete when the key that the erased data key was wrapped under has been destroyed: until then a dead
row, the write-ahead log or a backup may still hold a wrapped form that opens.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from services.ledger.domain.sealing import WrappedKey
from services.ledger.key_ring import KeyRing
from services.ledger.ports import DataKeyStore
from services.ledger.prepare_append import AppendPreparer
from services.ledger.request_queue import Queue
from shared.errors import Conflict, IntegrityFailure, NotFound, Unavailable
from shared.identifiers import EntryId, Position, parse_account
from shared.ledger.key_messages import (
    DestroyEncryptionKey,
    EncryptionKeys,
    EncryptionKeyState,
    RewrapDataKeys,
    RewrappedDataKeys,
    RotatedEncryptionKey,
    RotateEncryptionKey,
)
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.ledger.registry import Registry
from shared.vocabulary import EntryType

LARGEST_BATCH = 500


class EncryptionKeyInUse(Conflict):
    """Something is still wrapped under the key, or will be."""

    code = "encryption-key-in-use"


class RecordedRegistry(Protocol):
    """What the ledger's entries say of keys."""

    async def registry(self) -> Registry:
        """Return the registry as the committed entries make it."""
        ...


class EncryptionKeyRotation:
    """The operator's acts on key-encryption keys, in the process that is the elected writer.

    Each may be repeated after a crash at any moment: what is left to do is read from the keeper, the rows and the
    entries, never from memory. From the entry ``encryption_key.rotated`` on the sequencer takes no data key that is
    wrapped under another key, so that counting the rows of an old key counts for good.
    """

    def __init__(
        self,
        *,
        key_ring: KeyRing,
        preparer: AppendPreparer,
        queue: Queue,
        data_keys: DataKeyStore,
        recorded: RecordedRegistry,
        random: Callable[[int], bytes],
    ) -> None:
        self._key_ring = key_ring
        self._preparer = preparer
        self._queue = queue
        self._data_keys = data_keys
        self._recorded = recorded
        self._random = random
        self._one_at_a_time = asyncio.Lock()

    async def keys(self) -> EncryptionKeys:
        """Return the keys with what is wrapped under each."""
        known, counts = await self._key_ring.known(), await self._data_keys.count_by_key()
        gone = tuple(sorted(counts.keys() - set(known)))
        return EncryptionKeys(
            tuple(
                EncryptionKeyState(kek_id, kek_id == self._key_ring.current, counts.get(kek_id, 0))
                for kek_id in gone + known
            )
        )

    async def rotate(self, asked: RotateEncryptionKey) -> RotatedEncryptionKey:
        """Make the next key and wrap what is new under it from now on; durable and on record when this returns.

        Raises InvalidInput when whoever asks gives no account.
        """
        by = parse_account(asked.by)
        async with self._one_at_a_time:
            previous = await self._current_on_record()
            kek_id = await self._key_ring.next_key()
            facts: dict[str, object] = {"kek_id": kek_id, "previous": previous, "by": by}
            position = await self._record(EntryType.ENCRYPTION_KEY_ROTATED, kek_id, facts)
            self._key_ring.change_to(kek_id)
            return RotatedEncryptionKey(kek_id, previous, position)

    async def rewrap(self, asked: RewrapDataKeys) -> RewrappedDataKeys:
        """Wrap the next data keys under the current key.

        Raises IntegrityFailure when one does not open or its new form does not: then that batch is left as it was.
        """
        current = await self._current_on_record()
        limit = max(1, min(asked.limit, LARGEST_BATCH))
        old = await self._data_keys.wrapped_under_others(current, after=asked.after, limit=limit)
        new = {key_id: await self._wrapped_anew(wrapped, key_id=key_id) for key_id, wrapped in old.items()}
        count = await self._data_keys.replace(old, new) if old else 0
        return RewrappedDataKeys(count, _last(old) if len(old) == limit else None)

    async def destroy(self, asked: DestroyEncryptionKey) -> Position:
        """Destroy a key that was rotated away from, and record it; return the entry's position.

        Raises EncryptionKeyInUse while it is current or anything is wrapped under it, NotFound when no rotation ever
        named it, InvalidInput when whoever asks gives no account.
        """
        kek_id, by = asked.kek_id, parse_account(asked.by)
        async with self._one_at_a_time:
            if kek_id == await self._current_on_record():
                raise EncryptionKeyInUse("this key wraps what is new", remedy="First: exchange key rotate-encryption")
            if kek_id not in (await self._recorded.registry()).service_keys.past_encryption:
                raise NotFound("no rotation left such a key behind", remedy="See: exchange key list")
            count = (await self._data_keys.count_by_key()).get(kek_id, 0)
            if count:
                raise EncryptionKeyInUse(
                    f"{count} data keys are still wrapped under this key", remedy="First: exchange key rewrap"
                )
            # The key goes first: a crash in between leaves it destroyed and not on record, and a repeat records it.
            await self._key_ring.destroy(kek_id)
            return await self._record(EntryType.ENCRYPTION_KEY_DESTROYED, kek_id, {"kek_id": kek_id, "by": by})

    async def _current_on_record(self) -> str:
        """Return the current key. Raises Unavailable when this process is not, or no more, the one that says so.

        One that was the writer once may not know of a later rotation, and would wrap under a key about to be destroyed.
        """
        current = self._key_ring.current
        recorded = (await self._recorded.registry()).service_keys.encryption
        if not self._queue.is_open or recorded not in (None, current):
            raise Unavailable("this ledger is not the writer now", remedy="Ask the one that is.")
        return current

    async def _wrapped_anew(self, wrapped: WrappedKey, *, key_id: str) -> WrappedKey:
        opened = await self._key_ring.unwrap(wrapped, key_id=key_id)
        anew = await self._key_ring.wrap(opened.plain, key_id=key_id)
        # The old form will be the last copy to go: what replaces it is tried before it does.
        if (await self._key_ring.unwrap(anew.wrapped, key_id=key_id)).plain != opened.plain:
            raise IntegrityFailure("a data key wrapped anew does not open as what it was")
        return anew.wrapped

    async def _record(self, entry_type: EntryType, kek_id: str, facts: dict[str, object]) -> Position:
        request = AppendRequest(
            entry_id=EntryId(self._random(16).hex()),
            type=entry_type,
            idempotency=Idempotency("service:ledger", f"{entry_type.value}:{kek_id}", kek_id.encode("ascii")),
            answer=Answer(201, {}),
            facts=facts,
        )
        return (await self._queue.submit(await self._preparer.prepare(request))).position


def _last(old: Mapping[str, WrappedKey]) -> str:
    return list(old)[-1]
