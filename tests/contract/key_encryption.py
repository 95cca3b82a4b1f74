"""What every keeper of key-encryption keys must do, whichever it is: run on each adapter by the tests beside it."""

import secrets

import pytest

from services.ledger.domain.sealing import KEY_BYTES, NONCE_BYTES
from services.ledger.ports import KeyEncryption
from shared.errors import IntegrityFailure

CHILD, OTHER = "c" * 32, "d" * 32


async def wrapped(keys: KeyEncryption, plain: bytes, *, kek_id: str) -> bytes:
    """Return a data key wrapped for one child."""
    return await keys.wrap(plain, kek_id=kek_id, key_id=CHILD, nonce=secrets.token_bytes(NONCE_BYTES))


class KeyEncryptionContract:
    """The suite. A subclass gives ``keys``: a keeper without any key yet."""

    async def test_epochs_come_in_the_order_they_were_made(self, keys: KeyEncryption) -> None:
        assert await keys.epochs() == ()
        made = tuple([await keys.make() for _ in range(11)])
        assert await keys.epochs() == made
        assert len(set(made)) == 11

    async def test_what_is_wrapped_under_any_epoch_opens(self, keys: KeyEncryption) -> None:
        plain = secrets.token_bytes(KEY_BYTES)
        for kek_id in (await keys.make(), await keys.make()):
            content = await wrapped(keys, plain, kek_id=kek_id)
            assert plain not in content
            assert await keys.unwrap(content, kek_id=kek_id, key_id=CHILD) == plain

    async def test_the_wrapped_form_is_the_nonce_then_as_many_bytes_and_a_tag(self, keys: KeyEncryption) -> None:
        kek_id, nonce = await keys.make(), secrets.token_bytes(NONCE_BYTES)
        content = await keys.wrap(bytes(KEY_BYTES), kek_id=kek_id, key_id=CHILD, nonce=nonce)
        assert content[:NONCE_BYTES] == nonce
        assert len(content) == NONCE_BYTES + KEY_BYTES + 16

    async def test_a_wrapped_key_does_not_open_as_another_childs(self, keys: KeyEncryption) -> None:
        kek_id = await keys.make()
        content = await wrapped(keys, bytes(KEY_BYTES), kek_id=kek_id)
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(content, kek_id=kek_id, key_id=OTHER)

    async def test_a_wrapped_key_does_not_open_under_another_epoch(self, keys: KeyEncryption) -> None:
        one, other = await keys.make(), await keys.make()
        content = await wrapped(keys, bytes(KEY_BYTES), kek_id=one)
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(content, kek_id=other, key_id=CHILD)

    @pytest.mark.parametrize("at", [0, NONCE_BYTES, -1])
    async def test_a_wrapped_key_with_one_bit_changed_does_not_open(self, keys: KeyEncryption, at: int) -> None:
        kek_id = await keys.make()
        content = bytearray(await wrapped(keys, bytes(KEY_BYTES), kek_id=kek_id))
        content[at] ^= 1
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(bytes(content), kek_id=kek_id, key_id=CHILD)

    @pytest.mark.parametrize("content", [b"", bytes(11), bytes(59), bytes(61)])
    async def test_bytes_that_are_no_wrapped_key_do_not_open(self, keys: KeyEncryption, content: bytes) -> None:
        kek_id = await keys.make()
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(content, kek_id=kek_id, key_id=CHILD)

    async def test_after_bytes_that_do_not_open_the_next_ones_do(self, keys: KeyEncryption) -> None:
        kek_id = await keys.make()
        content = await wrapped(keys, bytes(KEY_BYTES), kek_id=kek_id)
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(content[:-1] + bytes([content[-1] ^ 1]), kek_id=kek_id, key_id=CHILD)
        assert await keys.unwrap(content, kek_id=kek_id, key_id=CHILD) == bytes(KEY_BYTES)

    async def test_a_destroyed_key_opens_nothing_and_the_others_still_do(self, keys: KeyEncryption) -> None:
        old, new = await keys.make(), await keys.make()
        under_old = await wrapped(keys, bytes(KEY_BYTES), kek_id=old)
        under_new = await wrapped(keys, bytes(KEY_BYTES), kek_id=new)
        for _ in range(2):
            await keys.destroy(old)
        assert await keys.epochs() == (new,)
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(under_old, kek_id=old, key_id=CHILD)
        with pytest.raises(IntegrityFailure):
            await wrapped(keys, bytes(KEY_BYTES), kek_id=old)
        assert await keys.unwrap(under_new, kek_id=new, key_id=CHILD) == bytes(KEY_BYTES)

    async def test_an_epoch_made_after_the_first_was_destroyed_comes_last(self, keys: KeyEncryption) -> None:
        old, new = await keys.make(), await keys.make()
        await keys.destroy(old)
        newest = await keys.make()
        assert await keys.epochs() == (new, newest)
