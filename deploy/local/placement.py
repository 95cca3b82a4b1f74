"""Where a folder may stand so that its user can reach it and a Unix socket's path fits."""

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.errors import NotPermitted, Unavailable

RECORD_NAME = "PLACED_AT"

# ``sun_path`` holds 108 bytes on Linux and 104 on macOS and BSD, the terminating zero included.
LONGEST_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True, slots=True)
class Owner:
    """The user of the operating system who has to reach a folder."""

    uid: int
    gid: int

    @classmethod
    def myself(cls) -> "Owner":
        """Return the user this process runs as."""
        return cls(uid=os.geteuid(), gid=os.getegid())


def can_reach(path: Path, *, owner: Owner) -> bool:
    """Say whether ``owner`` may walk through every folder above ``path``. Access control lists are not looked at."""
    if owner.uid == 0:
        return True
    return all(_may_enter(folder, owner=owner) for folder in path.resolve().parents)


def socket_directory(wanted: Path, *, longest_name: str, owner: Owner | None = None) -> Path:
    """Return a folder, private to ``owner``, where a socket called ``longest_name`` has a path that fits.

    That is ``wanted`` where it can be, else a new folder in the temporary directory, whose path is recorded in
    ``wanted`` so that every process finds the same one again. Idempotent.
    """
    user = owner or Owner.myself()
    fits = len(os.fsencode(wanted.absolute() / longest_name)) <= LONGEST_SOCKET_PATH_BYTES
    return _place(wanted, acceptable=fits, owner=user, roots=[Path(tempfile.gettempdir())])


def private_directory(wanted: Path, *, owner: Owner, roots: Sequence[Path]) -> Path:
    """Return a folder, private to ``owner``, that ``owner`` can reach: ``wanted``, else a new one in one of ``roots``.

    A folder elsewhere is recorded in ``wanted``, and found again by that record. Idempotent. Raises Unavailable when
    what was kept before cannot be reached or is no longer there: never a new, empty folder in place of a full one.
    """
    record = wanted / RECORD_NAME
    if record.is_file():
        placed = Path(record.read_text(encoding="utf-8").strip())
        if not _is_private(placed, owner=owner):
            remedy = f"bring it back, or delete {record} to start empty"
            raise Unavailable(f"the data of {wanted} was kept in {placed}, and is not there", remedy=remedy)
    elif wanted.is_dir() and any(wanted.iterdir()) and not can_reach(wanted, owner=owner):
        remedy = "let others walk through the folders above it (chmod o+x)"
        raise Unavailable(f"user {owner.uid}, who runs the server, cannot reach the data in {wanted}", remedy=remedy)
    return _place(wanted, acceptable=True, owner=owner, roots=roots)


def _place(wanted: Path, *, acceptable: bool, owner: Owner, roots: Sequence[Path]) -> Path:
    record = wanted / RECORD_NAME
    if record.is_file():
        placed = Path(record.read_text(encoding="utf-8").strip())
        if _is_private(placed, owner=owner):
            return placed
        # A temporary directory is emptied now and then; what stood there is gone, and the record with it.
        record.unlink()
    if acceptable and can_reach(wanted, owner=owner):
        wanted.mkdir(parents=True, exist_ok=True)
        _give(wanted, owner=owner)
        return wanted.absolute()
    wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    placed = _new_directory(roots, owner=owner)
    record.write_text(f"{placed}\n", encoding="utf-8")
    return placed


def _new_directory(roots: Sequence[Path], *, owner: Owner) -> Path:
    for root in roots:
        try:
            if not root.is_dir():
                root.mkdir(parents=True)
                root.chmod(0o711)
            placed = Path(tempfile.mkdtemp(prefix="exchange-", dir=root)).resolve()
        except OSError:
            continue  # A read-only or foreign root is no place; the next may be.
        if can_reach(placed, owner=owner):
            _give(placed, owner=owner)
            return placed
        placed.rmdir()
    tried = ", ".join(str(root) for root in roots)
    raise Unavailable(
        f"no folder that user {owner.uid} can reach; tried {tried}", remedy="set TMPDIR to one that it can"
    )


def _give(folder: Path, *, owner: Owner) -> None:
    status = folder.stat()
    try:
        if (status.st_uid, status.st_gid) != (owner.uid, owner.gid):
            os.chown(folder, owner.uid, owner.gid)
        folder.chmod(0o700)
    except PermissionError as error:
        remedy = "run as that user, or remove the folder"
        raise NotPermitted(f"{folder} belongs to another user ({status.st_uid})", remedy=remedy) from error


def _is_private(folder: Path, *, owner: Owner) -> bool:
    """A recorded folder is taken only when it is a real one, closed to others: a squatter's symlink is not."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner.uid and not status.st_mode & 0o077


def _may_enter(folder: Path, *, owner: Owner) -> bool:
    status = folder.stat()
    if status.st_uid == owner.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == owner.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
