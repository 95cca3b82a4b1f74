"""The ledger's keys, from where its settings say they are: what signs the log, what wraps, what indexes."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.ledger.adapters.key_file import KeyFile
from services.ledger.adapters.key_moved import MovedKeys
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.key_ring import KeyRing
from services.ledger.ports import KeyEncryption
from services.ledger.prepare_append import Secrets
from shared.errors import InvalidInput
from shared.process.secret_files import read_password, read_secret
from shared.process.settings import LedgerSettings
from shared.transparency.signed_note import NoteSigner

KEY_BYTES = 32


def open_secrets(settings: LedgerSettings) -> Secrets:
    """Return the keys that only the ledger holds. Raises InvalidInput when a setting or a file is wrong."""
    return Secrets(
        KeyRing(key_encryption(settings), random=os.urandom), BlindIndex(_key(settings.blind_index_key_file))
    )


def key_encryption(settings: LedgerSettings) -> KeyEncryption:
    """Return the keeper of the key-encryption keys that the settings name. Raises InvalidInput when they are wrong."""
    file = settings.key_encryption_key_file
    in_file = KeyFile(file) if file is not None else None
    if settings.key_encryption == "file":
        if in_file is None:
            raise InvalidInput("LEDGER_KEY_ENCRYPTION_KEY_FILE is not set", remedy="See docs/operations.md.")
        return in_file
    in_token = _key_pkcs11(settings)
    return MovedKeys(now=in_token, before=in_file) if in_file is not None else in_token


def _key_pkcs11(settings: LedgerSettings) -> KeyEncryption:
    module, pin_file = settings.pkcs11_module, settings.pkcs11_pin_file
    if module is None or not module.exists() or pin_file is None or not settings.pkcs11_token:
        raise InvalidInput(
            "an HSM needs LEDGER_PKCS11_MODULE (a file that is there), LEDGER_PKCS11_TOKEN and LEDGER_PKCS11_PIN_FILE",
            remedy="See docs/operations.md.",
        )
    try:
        # Only an installation that has an HSM has the library for it.
        from services.ledger.adapters.key_pkcs11 import KeyPkcs11, Token
    except ImportError as error:
        raise InvalidInput(
            "python-pkcs11 is not installed", remedy="Install this package with its extra: hsm."
        ) from error
    return KeyPkcs11(
        Token(
            module=str(module),
            label=settings.pkcs11_token,
            pin=read_password(pin_file),
            key_label=settings.pkcs11_key_label,
            timeout_s=settings.pkcs11_timeout_s,
        )
    )


def log_signer(settings: LedgerSettings) -> NoteSigner:
    """Return what signs the log's checkpoints. Raises InvalidInput when its key file holds no Ed25519 key."""
    return NoteSigner(settings.origin, _log_key(settings.log_key_file))


def log_signers(settings: LedgerSettings) -> list[NoteSigner]:
    """Return all that sign the log's checkpoints: the key in use and, while it is rotated, the next one.

    Raises InvalidInput when a key file holds no Ed25519 key.
    """
    following = settings.log_key_next_file
    return [log_signer(settings), *([NoteSigner(settings.origin, _log_key(following))] if following else [])]


def _key(path: Path) -> bytes:
    key = read_secret(path)
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"the key file {path.name} must hold exactly {KEY_BYTES} bytes")
    return key


def _log_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"the key file {path.name} is not a PKCS#8 PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"the key file {path.name} must hold an Ed25519 key")
    return key
