"""Key-encryption keys in an HSM by PKCS#11: made there, used there, and never outside it."""

import asyncio
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import pkcs11
import structlog
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import (
    EncryptedDataInvalid,
    GeneralError,
    NoSuchKey,
    PinIncorrect,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from services.ledger.domain.sealing import KEY_BYTES, NONCE_BYTES, data_key_binding
from shared.errors import IntegrityFailure, Unavailable
from shared.process.logs import fault

TAG_BITS = 128
_ID_BYTES = 8
_PROBE = b"safeguarding-exchange/hsm-probe/v1\n"

log = structlog.get_logger()

Result = TypeVar("Result")


class HsmUnavailable(Unavailable):
    """The HSM does not answer, or not in time."""

    code = "hsm-unavailable"


@dataclass(frozen=True, slots=True)
class Token:
    """Where the keys are: the HSM's PKCS#11 library, its token, the PIN, and the name that the keys bear there."""

    module: str
    label: str
    pin: str = field(repr=False)
    key_label: str
    timeout_s: float


class KeyPkcs11:
    """Wraps by AES-256-GCM inside the token, in the format that key files use too.

    A key is an AES object of the token: sensitive, not extractable, good for encrypting and decrypting and nothing
    else. Its id is its CKA_ID in hexadecimal, its epoch the number at the end of its label. Calls to an HSM block, so
    they run in a thread of their own, one at a time, and each is waited for no longer than the time limit: a slow or
    absent HSM means HsmUnavailable, and after a failure the session is opened anew for the next call.
    """

    def __init__(self, token: Token) -> None:
        self._token = token
        # python-pkcs11 initialises the library without its locks, so that no second thread may ever be in it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hsm")
        self._opened: pkcs11.Session | None = None
        self._keys: dict[str, pkcs11.SecretKey] = {}
        self._pin_refused = False

    async def epochs(self) -> tuple[str, ...]:
        """Return the ids of the token's keys of our label, the oldest first."""
        return await self._call(lambda session: tuple(kek_id for _, kek_id in self._numbered(session)))

    async def make(self) -> str:
        """Have the token make the next epoch's key, and return its id."""
        return await self._call(self._make)

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        """Return the wrapped form of a data key, bound to its id."""
        bound = _bound(nonce, key_id)
        return nonce + await self._call(
            lambda session: bytes(
                self._key(session, kek_id).encrypt(plain, mechanism=Mechanism.AES_GCM, mechanism_param=bound)
            )
        )

    async def unwrap(self, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        """Return the data key. Raises IntegrityFailure when it does not open, or its key is not there."""
        if len(wrapped) != NONCE_BYTES + KEY_BYTES + TAG_BITS // 8:
            raise IntegrityFailure("a wrapped data key does not have the length of one")
        return await self._call(lambda session: self._unwrap(session, wrapped, kek_id=kek_id, key_id=key_id))

    async def destroy(self, kek_id: str) -> None:
        """Have the token destroy a key. Idempotent."""
        await self._call(lambda session: self._destroy(session, kek_id))

    def _make(self, session: pkcs11.Session) -> str:
        numbers = [number for number, _ in self._numbered(session)]
        identity = secrets.token_bytes(_ID_BYTES)
        session.generate_key(
            KeyType.AES,
            KEY_BYTES * 8,
            label=f"{self._token.key_label}-{max(numbers, default=0) + 1:04d}",
            id=identity,
            store=True,
            template={
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
                **dict.fromkeys(
                    (Attribute.WRAP, Attribute.UNWRAP, Attribute.SIGN, Attribute.VERIFY, Attribute.DERIVE), False
                ),
            },
        )
        return identity.hex()

    def _unwrap(self, session: pkcs11.Session, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        key = self._key(session, kek_id)
        nonce, content = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return bytes(key.decrypt(content, mechanism=Mechanism.AES_GCM, mechanism_param=_bound(nonce, key_id)))
        except (EncryptedDataInvalid, GeneralError) as error:
            # SoftHSM says "general error" for a wrong tag, others say it when they are ill. The same key on something
            # known good tells the two apart; when that fails too, its error is the one that counts.
            if isinstance(error, GeneralError):
                self._prove_able(key)
            raise IntegrityFailure("a data key does not open with this key-encryption key") from error

    def _prove_able(self, key: pkcs11.SecretKey) -> None:
        bound = GCMParams(secrets.token_bytes(NONCE_BYTES), _PROBE, TAG_BITS)
        sealed = key.encrypt(bytes(KEY_BYTES), mechanism=Mechanism.AES_GCM, mechanism_param=bound)
        key.decrypt(sealed, mechanism=Mechanism.AES_GCM, mechanism_param=bound)

    def _destroy(self, session: pkcs11.Session, kek_id: str) -> None:
        identity = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.ID: bytes.fromhex(kek_id)}
        for key in list(session.get_objects(identity)):
            key.destroy()
        self._keys.pop(kek_id, None)

    def _numbered(self, session: pkcs11.Session) -> list[tuple[int, str]]:
        ours = re.compile(re.escape(self._token.key_label) + r"-([0-9]{4,})\Z")
        found = []
        for key in list(session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})):
            named = ours.match(key.label or "")
            if named is not None:
                found.append((int(named[1]), key.id.hex()))
        return sorted(found)

    def _key(self, session: pkcs11.Session, kek_id: str) -> pkcs11.SecretKey:
        known = self._keys.get(kek_id)
        if known is not None:
            return known
        try:
            key = session.get_key(object_class=ObjectClass.SECRET_KEY, id=bytes.fromhex(kek_id))
        except NoSuchKey as error:
            raise IntegrityFailure(f"there is no key-encryption key {kek_id} in the token") from error
        self._keys[kek_id] = key
        return key

    async def _call(self, work: Callable[[pkcs11.Session], Result]) -> Result:
        running = asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)
        try:
            return await asyncio.wait_for(running, self._token.timeout_s)
        except TimeoutError as error:
            raise HsmUnavailable("the HSM does not answer in time", remedy="Send the same request again.") from error

    def _run(self, work: Callable[[pkcs11.Session], Result]) -> Result:
        try:
            return work(self._session())
        except PKCS11Error as error:
            self._opened, self._keys = None, {}
            log.warning("hsm_failed", **fault(error))
            raise HsmUnavailable(
                "the HSM does not answer as it should", remedy="Send the same request again."
            ) from error

    def _session(self) -> pkcs11.Session:
        if self._opened is not None:
            return self._opened
        if self._pin_refused:
            # Trying a wrong PIN again and again would lock the token.
            raise HsmUnavailable("the HSM refused the PIN", remedy="Mend the PIN's file and start the ledger again.")
        token = pkcs11.lib(self._token.module).get_token(token_label=self._token.label)
        try:
            self._opened = token.open(rw=True, user_pin=self._token.pin)
        except UserAlreadyLoggedIn:
            # One log-in counts for all sessions of a process.
            self._opened = token.open(rw=True)
        except (PinIncorrect, PinLocked):
            self._pin_refused = True
            log.error("hsm_pin_refused")
            raise
        return self._opened


def _bound(nonce: bytes, key_id: str) -> GCMParams:
    return GCMParams(nonce, data_key_binding(key_id), TAG_BITS)
