"""Key-encryption keys in files of 32 bytes: one for the first epoch, beside it ``<name>.2``, ``<name>.3`` …"""

import os
import re
from hashlib import sha256
from pathlib import Path

from services.ledger.domain.sealing import KEY_BYTES, unwrap_data_key, wrap_data_key
from shared.errors import IntegrityFailure, InvalidInput, Unavailable
from shared.process.secret_files import read_secret

_ID_TAG = b"safeguarding-exchange/kek-id/v1\n"


class KeyFile:
    """The key-encryption keys beside one path, held in memory: wrapping and unwrapping wait for nothing.

    Raises InvalidInput for a file that does not hold exactly 32 bytes or that others may read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = self._read()

    async def epochs(self) -> tuple[str, ...]:
        """Return the ids of the keys whose files are there now, the oldest first."""
        self._keys = self._read()
        return tuple(self._keys)

    async def make(self) -> str:
        """Write the next epoch's file, durably, and return the key's id."""
        try:
            self._write(self._next_path(), os.urandom(KEY_BYTES))
        except OSError as error:
            raise Unavailable(f"a new key file cannot be written beside {self._path.name}: {error.strerror}") from error
        self._keys = self._read()
        return tuple(self._keys)[-1]

    async def wrap(self, plain: bytes, *, kek_id: str, key_id: str, nonce: bytes) -> bytes:
        """Return the wrapped form of a data key, bound to its id."""
        return wrap_data_key(plain, key_id=key_id, key_encryption_key=self._key(kek_id), nonce=nonce)

    async def unwrap(self, wrapped: bytes, *, kek_id: str, key_id: str) -> bytes:
        """Return the data key. Raises IntegrityFailure when it does not open, or its key is not there."""
        return unwrap_data_key(wrapped, key_id=key_id, key_encryption_key=self._key(kek_id))

    async def destroy(self, kek_id: str) -> None:
        """Overwrite a key's file and remove it. Idempotent. What a file system or a backup kept is not reached."""
        for path in self._files():
            if key_encryption_key_id(self._content(path)) == kek_id:
                try:
                    self._erase(path)
                except OSError as error:
                    raise Unavailable(f"the key file {path.name} cannot be removed: {error.strerror}") from error
        self._keys = self._read()

    def _key(self, kek_id: str) -> bytes:
        if kek_id not in self._keys:
            # Another process may have made it since: the files are the truth.
            self._keys = self._read()
        key = self._keys.get(kek_id)
        if key is None:
            raise IntegrityFailure(f"there is no key-encryption key {kek_id}")
        return key

    def _read(self) -> dict[str, bytes]:
        contents = [self._content(path) for path in self._files()]
        return {key_encryption_key_id(content): content for content in contents}

    def _files(self) -> list[Path]:
        later = re.compile(re.escape(self._path.name) + r"\.([1-9][0-9]*)\Z")
        epochs = {1: self._path} if self._path.exists() else {}
        for path in self._path.parent.iterdir() if self._path.parent.is_dir() else ():
            found = later.match(path.name)
            if found is not None:
                epochs[int(found[1])] = path
        return [epochs[number] for number in sorted(epochs)]

    def _next_path(self) -> Path:
        files = self._files()
        if not files:
            return self._path
        number = 1 if files[-1] == self._path else int(files[-1].name.rpartition(".")[2])
        return self._path.with_name(f"{self._path.name}.{number + 1}")

    def _content(self, path: Path) -> bytes:
        content = read_secret(path)
        if len(content) != KEY_BYTES:
            raise InvalidInput(f"the key file {path.name} must hold exactly {KEY_BYTES} bytes")
        return content

    def _write(self, path: Path, content: bytes) -> None:
        # Written beside and renamed, so that a crash never leaves half a key that later looks whole.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.rename(path)
        self._flush_folder()

    def _erase(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, bytes(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        self._flush_folder()

    def _flush_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def key_encryption_key_id(key: bytes) -> str:
    """Return a name for a key-encryption key that gives nothing of it away."""
    return sha256(_ID_TAG + key).hexdigest()[:16]
