"""The guard: a small file outside Postgres that holds the last size, root and checkpoint that were released."""

import asyncio
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from services.ledger.ports import Head
from shared.errors import IntegrityFailure
from shared.identifiers import TreeSize

_SLOT_BYTES = 8192
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the guard remembers: the tree it last let go out, and the note that says so."""

    size: TreeSize
    root: bytes
    checkpoint: bytes


class GuardFile:
    """Two slots written in turn, each with its own digest, so that a torn write can cost only the newer one.

    Losing the newer slot loses nothing: its batch was committed but not yet released.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = 0

    def recall(self) -> Guarded | None:
        """Return what was last remembered, or None when there is no guard file.

        Raises IntegrityFailure when the file is there and neither slot can be read.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IntegrityFailure("the guard file cannot be read") from error
        slots = [_read_slot(data[start : start + _SLOT_BYTES]) for start in (0, _SLOT_BYTES)]
        found = [(slot, turn) for turn, slot in enumerate(slots) if slot is not None]
        if not found:
            raise IntegrityFailure("the guard file is damaged: neither of its two records can be read")
        latest, turn = max(found, key=lambda each: each[0].size)
        self._turn = 1 - turn
        return latest

    async def remember(self, head: Head) -> None:
        """Keep a head; it survives a crash when this returns."""
        await asyncio.to_thread(self.remember_now, head)

    def remember_now(self, head: Head) -> None:
        """Keep a head, blocking until the disk has it."""
        record = orjson.dumps(
            {"size": head.size, "root": head.frontier.root().hex(), "checkpoint": head.checkpoint.decode("utf-8")}
        )
        slot = (sha256(record).digest() + len(record).to_bytes(4) + record).ljust(_SLOT_BYTES, b"\0")
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, slot, self._turn * _SLOT_BYTES)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        self._turn = 1 - self._turn


def _read_slot(slot: bytes) -> Guarded | None:
    digest, length = slot[:_DIGEST_BYTES], int.from_bytes(slot[_DIGEST_BYTES : _DIGEST_BYTES + 4])
    record = slot[_DIGEST_BYTES + 4 : _DIGEST_BYTES + 4 + length]
    if not record or sha256(record).digest() != digest:
        return None
    held = orjson.loads(record)
    return Guarded(TreeSize(held["size"]), bytes.fromhex(held["root"]), held["checkpoint"].encode("utf-8"))
