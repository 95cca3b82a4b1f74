"""Sealing: a section of an entry is encrypted under its child's data key, and the entry commits to it.

Formats are given byte by byte in docs/ledger-format.md. Randomness arrives as arguments.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.entries import Commitment
from shared.errors import IntegrityFailure
from shared.identifiers import EntryId
from shared.ledger.messages import Section

SALT_BYTES = 32
NONCE_BYTES = 12
KEY_BYTES = 32
SECTION_RANDOM_BYTES = SALT_BYTES + NONCE_BYTES

_COMMITMENT_TAG = b"safeguarding-exchange/commitment/v1\n"
_SECTION_TAG = b"safeguarding-exchange/section/v1\n"
_DATA_KEY_TAG = b"safeguarding-exchange/data-key/v1\n"
_FINGERPRINT_TAG = b"safeguarding-exchange/fingerprint/v1\n"


class WrappedKey(msgspec.Struct, frozen=True):
    """A data key as it is stored: encrypted, with the id of the key-encryption key that opens it."""

    kek_id: str
    content: bytes


class DataKey(msgspec.Struct, frozen=True):
    """A key that seals what is known about one child (or one entry about nobody).

    ``id`` is the child's reference or the entry's id. ``wrapped`` is how it is stored.
    """

    id: str
    plain: bytes
    wrapped: WrappedKey


class SealedSection(msgspec.Struct, frozen=True):
    """One section as stored, with the commitment that its entry carries."""

    name: str
    content: bytes
    commitment: Commitment


def commitment_hash(plaintext: bytes, *, entry_id: EntryId, section: str, salt: bytes) -> str:
    """Return the salted hash that binds an entry to a section's plaintext, in lower-case hexadecimal."""
    return _commitment_hash(salt + plaintext, bound_to=_bound_to(entry_id, section))


def seal(sections: Sequence[Section], *, entry_id: EntryId, key: DataKey, random: bytes) -> tuple[SealedSection, ...]:
    """Return an entry's sections sealed with AES-256-GCM under ``key``.

    ``random`` is 44 fresh random bytes for each (salt, then nonce). The salt is stored only inside the ciphertext, so
    that destroying the key makes the commitment impossible to test by guessing.
    """
    cipher, sealed = AESGCM(key.plain), []
    for start, section in zip(range(0, len(random), SECTION_RANDOM_BYTES), sections, strict=True):
        nonce = random[start + SALT_BYTES : start + SECTION_RANDOM_BYTES]
        salted, bound_to = random[start : start + SALT_BYTES] + section.content, _bound_to(entry_id, section.name)
        content = nonce + cipher.encrypt(nonce, salted, _SECTION_TAG + bound_to)
        commitment = Commitment(_commitment_hash(salted, bound_to=bound_to), sha256(content).hexdigest())
        sealed.append(SealedSection(section.name, content, commitment))
    return tuple(sealed)


def unseal(content: bytes, *, entry_id: EntryId, section: str, key: bytes, commitment: Commitment) -> bytes:
    """Return a section's plaintext. Raises IntegrityFailure unless it is exactly what the entry committed to."""
    return unseal_salted(content, entry_id=entry_id, section=section, key=key, commitment=commitment)[SALT_BYTES:]


def unseal_salted(content: bytes, *, entry_id: EntryId, section: str, key: bytes, commitment: Commitment) -> bytes:
    """Return the salt (32 bytes) and plaintext that an entry committed to. Raises IntegrityFailure like ``unseal``."""
    try:
        opened = AESGCM(key).decrypt(
            content[:NONCE_BYTES], content[NONCE_BYTES:], _SECTION_TAG + _bound_to(entry_id, section)
        )
    except (InvalidTag, ValueError) as error:
        raise IntegrityFailure("a sealed section does not open with the key it was sealed under") from error
    salt, plaintext = opened[:SALT_BYTES], opened[SALT_BYTES:]
    if commitment_hash(plaintext, entry_id=entry_id, section=section, salt=salt) != commitment.sha256:
        raise IntegrityFailure("a sealed section is not what its entry committed to")
    return opened


def data_key_binding(key_id: str) -> bytes:
    """Return what a wrapped data key is bound to, as AES-GCM's additional data: the format's version and its id."""
    return _DATA_KEY_TAG + key_id.encode("ascii")


def wrap_data_key(plain: bytes, *, key_id: str, key_encryption_key: bytes, nonce: bytes) -> bytes:
    """Return a data key's wrapped form (AES-256-GCM; ``nonce`` is 12 fresh random bytes)."""
    return nonce + AESGCM(key_encryption_key).encrypt(nonce, plain, data_key_binding(key_id))


def unwrap_data_key(wrapped: bytes, *, key_id: str, key_encryption_key: bytes) -> bytes:
    """Return the data key that ``wrapped`` holds. Raises IntegrityFailure when it does not open."""
    try:
        return AESGCM(key_encryption_key).decrypt(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], data_key_binding(key_id)
        )
    except (InvalidTag, ValueError) as error:
        raise IntegrityFailure("a data key does not open with this key-encryption key") from error


def request_fingerprint(request: bytes, *, key: bytes) -> bytes:
    """Return what tells whether a repeated request is the same one, keyed so that erasure makes it meaningless."""
    return hmac.digest(key, _FINGERPRINT_TAG + request, "sha256")


def _commitment_hash(salted: bytes, *, bound_to: bytes) -> str:
    return sha256(_COMMITMENT_TAG + bound_to + salted).hexdigest()


def _bound_to(entry_id: EntryId, section: str) -> bytes:
    return f"{entry_id}\n{section}\n".encode("ascii")
