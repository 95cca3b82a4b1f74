"""Key-encryption keys in an HSM keep the contract; a slow, absent or refusing one means *unavailable*."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pkcs11
import pytest
from pkcs11 import Attribute, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error

from services.ledger.adapters.key_pkcs11 import HsmUnavailable, KeyPkcs11, Token
from services.ledger.domain.sealing import KEY_BYTES, unwrap_data_key
from services.ledger.ports import KeyEncryption
from shared.errors import IntegrityFailure
from tests.contract.key_encryption import CHILD, KeyEncryptionContract, wrapped
from tests.machinery.softhsm import LABEL, PIN, SoftHsm, running_softhsm

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
def softhsm() -> Iterator[SoftHsm]:
    with running_softhsm() as hsm:
        pkcs11.lib(str(hsm.module)).reinitialize()
        yield hsm


@pytest.fixture
def token(softhsm: SoftHsm) -> Token:
    """Our own place in the one token: a label that no other test uses."""
    return Token(str(softhsm.module), LABEL, PIN, f"test-{secrets.token_hex(4)}", timeout_s=10)


class TestKeyPkcs11(KeyEncryptionContract):
    @pytest.fixture
    def keys(self, token: Token) -> KeyEncryption:
        return KeyPkcs11(token)


async def test_the_key_never_leaves_the_token(token: Token) -> None:
    kek_id = await KeyPkcs11(token).make()
    session = pkcs11.lib(token.module).get_token(token_label=LABEL).open()
    key = session.get_key(object_class=ObjectClass.SECRET_KEY, id=bytes.fromhex(kek_id))
    assert (key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE], key[Attribute.NEVER_EXTRACTABLE]) == (
        True,
        False,
        True,
    )
    with pytest.raises(PKCS11Error):
        key[Attribute.VALUE]
    other = session.generate_key(pkcs11.KeyType.AES, 256, template={Attribute.WRAP: True})
    with pytest.raises(PKCS11Error):
        other.wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP)


async def test_the_wrapped_form_is_the_one_that_key_files_use(token: Token) -> None:
    known, keys = secrets.token_bytes(KEY_BYTES), KeyPkcs11(token)
    await keys.make()
    session = pkcs11.lib(token.module).get_token(token_label=LABEL).open(rw=True)
    imported = session.create_object(
        {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: pkcs11.KeyType.AES,
            Attribute.VALUE: known,
            Attribute.ID: b"imported",
            Attribute.TOKEN: True,
            Attribute.LABEL: f"{token.key_label}-0002",
        }
    )
    content = await wrapped(keys, b"d" * KEY_BYTES, kek_id=imported.id.hex())
    assert unwrap_data_key(content, key_id=CHILD, key_encryption_key=known) == b"d" * KEY_BYTES


async def test_another_process_finds_the_same_epochs(token: Token) -> None:
    made = await KeyPkcs11(token).make()
    assert await KeyPkcs11(token).epochs() == (made,)
    assert await KeyPkcs11(replace(token, key_label=token.key_label + "-")).epochs() == ()


async def test_an_absent_token_is_unavailable(token: Token) -> None:
    with pytest.raises(HsmUnavailable):
        await KeyPkcs11(replace(token, label="nobody")).epochs()


async def test_a_slow_hsm_is_unavailable_and_the_next_call_is_answered(token: Token) -> None:
    keys = KeyPkcs11(token)
    kek_id = await keys.make()
    content = await wrapped(keys, bytes(KEY_BYTES), kek_id=kek_id)
    keys._token = replace(token, timeout_s=1e-9)
    with pytest.raises(HsmUnavailable, match="in time"):
        await keys.unwrap(content, kek_id=kek_id, key_id=CHILD)
    keys._token = token
    assert await keys.unwrap(content, kek_id=kek_id, key_id=CHILD) == bytes(KEY_BYTES)


async def test_after_the_hsm_lost_every_session_one_call_fails_and_the_next_opens_a_new_one(token: Token) -> None:
    keys = KeyPkcs11(token)
    kek_id = await keys.make()
    content = await wrapped(keys, bytes(KEY_BYTES), kek_id=kek_id)
    pkcs11.lib(token.module).reinitialize()
    with pytest.raises(HsmUnavailable):
        await keys.unwrap(content, kek_id=kek_id, key_id=CHILD)
    assert await keys.unwrap(content, kek_id=kek_id, key_id=CHILD) == bytes(KEY_BYTES)


async def test_a_wrong_pin_is_tried_once_and_never_again(token: Token) -> None:
    pkcs11.lib(token.module).reinitialize()
    keys = KeyPkcs11(replace(token, pin="9999"))
    with pytest.raises(HsmUnavailable):
        await keys.epochs()
    # With the right one it would be let in now; it does not ask any more.
    keys._token = token
    with pytest.raises(HsmUnavailable, match="refused the PIN"):
        await keys.epochs()
    assert "9999" not in repr(replace(token, pin="9999"))


async def test_a_key_that_is_not_in_the_token_is_told_apart_from_an_hsm_that_is_ill(token: Token) -> None:
    keys = KeyPkcs11(token)
    await keys.make()
    with pytest.raises(IntegrityFailure, match="there is no key"):
        await wrapped(keys, bytes(KEY_BYTES), kek_id="00" * 8)
