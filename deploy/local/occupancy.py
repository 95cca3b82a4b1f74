"""A folder that one process at a time may use."""

import fcntl
import os
from pathlib import Path

from shared.errors import Conflict


class Occupancy:
    """A claim on a folder, kept by the operating system: it ends with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def claim(self) -> None:
        """Take the folder for this object. Idempotent. Raises Conflict when another one has it."""
        if self._descriptor is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "occupied.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            remedy = "stop it first, or set EXCHANGE_HOME to another folder"
            raise Conflict(f"another process uses {self._folder}", remedy=remedy) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the folder up. Idempotent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
