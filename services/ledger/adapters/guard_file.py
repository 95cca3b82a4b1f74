"""The guard: a small file outside Postgres that holds the last size, root and checkpoint that were released."""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from services.ledger.ports import Guarded, Head
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import TreeSize

SLOT_BYTES = 8192
_DIGEST_BYTES = 32
_HEADER_BYTES = _DIGEST_BYTES + 4


class GuardUnwritable(Unavailable):
    """The guard's disk does not take what must be remembered before anything is released."""

    code = "guard-unwritable"


@dataclass(frozen=True, slots=True)
class _Slots:
    """The two records as they stand on the disk; None for one that was never written or was torn."""

    records: tuple[Guarded | None, Guarded | None]

    @property
    def latest(self) -> Guarded | None:
        """The record of the larger tree."""
        return max((each for each in self.records if each is not None), key=lambda each: each.size, default=None)

    @property
    def turn(self) -> int:
        """Which slot is written next: never the one that holds the latest record."""
        return 1 if self.latest is self.records[0] and self.latest is not None else 0


class GuardFile:
    """Two slots written in turn, each with its own digest, so that a torn write can cost only the newer one.

    Losing the newer slot loses nothing: its batch was committed but not yet released. Both slots get their place on
    the disk when the file is made, so that a disk that fills up later does not stop the ledger. Several processes may
    share one file: it is locked, and never goes back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self) -> Guarded | None:
        """Return what was last remembered, or None when there is no guard file.

        Raises IntegrityFailure when the file is there and neither slot can be read.
        """
        try:
            with self._opened(os.O_RDONLY, fcntl.LOCK_SH) as descriptor:
                latest = _read_slots(descriptor).latest
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IntegrityFailure("the guard file cannot be read") from error
        if latest is None:
            raise IntegrityFailure("the guard file is damaged: neither of its two records can be read")
        return latest

    async def remember(self, head: Head) -> None:
        """Keep a head that is about to be released, or a larger one; it survives a crash when this returns.

        Raises GuardUnwritable when the disk refuses it, and IntegrityFailure when another tree of the same size is
        remembered.
        """
        await asyncio.to_thread(self.remember_now, head)

    def remember_now(self, head: Head) -> None:
        """Keep a head, blocking until the disk has it."""
        try:
            if not self._path.exists():
                self._make(_slot(head))
                return
            with self._opened(os.O_RDWR, fcntl.LOCK_EX) as descriptor:
                self._write(descriptor, head)
        except OSError as error:
            raise GuardUnwritable(
                f"the guard file cannot be written ({os.strerror(error.errno or 0)})",
                remedy="Make room on its disk; the ledger goes on by itself.",
                outcome_unknown=True,
            ) from error

    def _write(self, descriptor: int, head: Head) -> None:
        slots = _read_slots(descriptor)
        latest = slots.latest
        if latest is not None and latest.size >= head.size:
            # A larger tree is there when a standby saw it first, or took over while this process was frozen: it holds
            # this one, since both were committed to one log.
            if latest.size == head.size and latest.root != head.frontier.root():
                raise IntegrityFailure(f"two different trees of size {head.size} were signed")
            return
        _write_whole(descriptor, _slot(head), at=slots.turn * SLOT_BYTES)
        os.fdatasync(descriptor)

    def _make(self, slot: bytes) -> None:
        """Make the file whole under another name first: a process that looks meanwhile sees none, never half of one."""
        making = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_whole(descriptor, slot.ljust(2 * SLOT_BYTES, b"\0"), at=0)
            os.fsync(descriptor)
        except OSError:
            making.unlink()
            raise
        finally:
            os.close(descriptor)
        making.rename(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @contextmanager
    def _opened(self, flags: int, lock: int) -> Iterator[int]:
        descriptor = os.open(self._path, flags)
        try:
            fcntl.flock(descriptor, lock)
            yield descriptor
        finally:
            os.close(descriptor)


def _slot(head: Head) -> bytes:
    record = orjson.dumps(
        {"size": head.size, "root": head.frontier.root().hex(), "checkpoint": head.checkpoint.decode("utf-8")}
    )
    return (sha256(record).digest() + len(record).to_bytes(4) + record).ljust(SLOT_BYTES, b"\0")


def _write_whole(descriptor: int, data: bytes, *, at: int) -> None:
    # The system may take a part of a write and say so only by its count, as it does when the disk fills up.
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written


def _read_slots(descriptor: int) -> _Slots:
    data = os.pread(descriptor, 2 * SLOT_BYTES, 0)
    return _Slots((_read_slot(data[:SLOT_BYTES]), _read_slot(data[SLOT_BYTES:])))


def _read_slot(slot: bytes) -> Guarded | None:
    digest, length = slot[:_DIGEST_BYTES], int.from_bytes(slot[_DIGEST_BYTES:_HEADER_BYTES])
    record = slot[_HEADER_BYTES : _HEADER_BYTES + length]
    if not record or sha256(record).digest() != digest:
        return None
    held = orjson.loads(record)
    return Guarded(TreeSize(held["size"]), bytes.fromhex(held["root"]), held["checkpoint"].encode("utf-8"))
