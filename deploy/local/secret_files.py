"""The secrets of one machine's installation: made once, one in each file, readable by nobody else."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.migrate import ROLES

KEY_BYTES = 32


class SecretFiles:
    """The files under one folder. Each is made when it is first asked for and never changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def role_passwords(self) -> Mapping[str, str]:
        """Return a password for every database role."""
        return {role: self.password_file(role).read_text("ascii").strip() for role in ROLES}

    def password_file(self, role: str) -> Path:
        """Return the file that holds a database role's password."""
        return self._made(f"{role}.password", lambda: secrets.token_urlsafe(24).encode("ascii"))

    def key_file(self, name: str) -> Path:
        """Return a file of 32 random bytes."""
        return self._made(f"{name}.key", lambda: secrets.token_bytes(KEY_BYTES))

    def signing_key_file(self, name: str) -> Path:
        """Return a PKCS#8 PEM file with an Ed25519 private key."""
        return self._made(f"{name}.pem", new_signing_key_pem)

    def _made(self, name: str, make: Callable[[], bytes]) -> Path:
        path = self._folder / name
        if not path.exists():
            # Written beside and renamed, so that a crash never leaves half a key that later looks whole.
            draft = path.with_name(f".{name}.{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, make())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.rename(path)
        return path


def new_signing_key_pem() -> bytes:
    """Return a new Ed25519 private key as PKCS#8 PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
