"""A disk that is really full: a file system of a few megabytes, and ballast that takes all that is left of it."""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE_BYTES = 64 << 20
"""As large as the /dev/shm that containers are given, and large enough for a small database or a few log segments."""

_SHARED_MEMORY = Path("/dev/shm")
_LARGEST_SHARED_BYTES = 512 << 20

# The shell takes the disk away again when its input ends, so that none outlives the tests, however they end.
_KEEPER = 'mount -t tmpfs -o "size=$1,mode=0711" none "$2" && echo mounted && cat >/dev/null; umount -l "$2"'


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A folder whose file system holds little."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Take all the room there is: from now on the system itself answers ENOSPC."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for size_bytes in (1 << 20, 1 << 12, 1):
                self._write_until_refused(descriptor, bytes(size_bytes))
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)

    def _write_until_refused(self, descriptor: int, data: bytes) -> None:
        try:
            while os.write(descriptor, data):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """Give a small disk of one's own, empty.

    That is a tmpfs of its own where this process may mount one (root with CAP_SYS_ADMIN), else /dev/shm where that is
    small, as it is in a container. Where neither is to be had, the test fails: nothing stands in for a full disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))
    keeper = subprocess.Popen(
        ["sh", "-c", _KEEPER, "keeper", str(SIZE_BYTES), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        is_mounted = keeper.stdout.readline() == b"mounted\n"
        disk = SmallDisk(folder if is_mounted else _in_shared_memory())
        try:
            yield disk
        finally:
            disk.free()
            if not is_mounted:
                shutil.rmtree(disk.folder, ignore_errors=True)
    finally:
        keeper.stdin.close()
        keeper.wait()
        keeper.stdout.close()
        folder.rmdir()


def _in_shared_memory() -> Path:
    size_bytes = shutil.disk_usage(_SHARED_MEMORY).total
    assert SIZE_BYTES <= size_bytes <= _LARGEST_SHARED_BYTES, (
        "no disk can be filled here: a tmpfs may not be mounted (run as root, with CAP_SYS_ADMIN), and /dev/shm is not "
        f"a small one of 64 MB or a little more (it has {size_bytes >> 20} MB)"
    )
    folder = Path(tempfile.mkdtemp(prefix="small-disk-", dir=_SHARED_MEMORY))
    folder.chmod(0o711)
    return folder
