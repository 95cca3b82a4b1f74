"""Files that hold secrets: read only when nobody but their owner may read them."""

from pathlib import Path

from shared.errors import InvalidInput


def read_secret(path: Path) -> bytes:
    """Return the bytes of a secret's file. Raises InvalidInput when it cannot be read or others may read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise InvalidInput(f"the secret file {path.name} can be read by others", remedy="chmod 600 it.")
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the secret file {path.name} cannot be read: {error.strerror}") from error


def read_password(path: Path) -> str:
    """Return the password that a file holds. Raises InvalidInput when it cannot be read or others may read it."""
    try:
        return read_secret(path).decode("ascii").strip()
    except UnicodeDecodeError as error:
        # Not as its cause: that error carries what the file holds.
        where = error.start
    raise InvalidInput(f"the password in {path.name} is not ASCII: look at byte {where}")
