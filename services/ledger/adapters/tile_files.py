"""A folder of static files: tiles and entry bundles that never change, and the one checkpoint that covers them."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shared.errors import Conflict, IntegrityFailure, InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.tiles import TILE_WIDTH, parse_tile_path, tile_path

CHECKPOINT = "checkpoint"

_UNFINISHED = ".unfinished-"
_LOCK = ".lock"


class PublishedFileDamaged(IntegrityFailure):
    """A published file does not hold the bytes that belong at its path. The log itself may well be whole."""

    code = "published-file-damaged"


def damaged(path: str) -> PublishedFileDamaged:
    """Return the error that names a published file that is not what was published."""
    return PublishedFileDamaged(
        f"the published file {path} does not hold what belongs there",
        remedy="Keep a copy for the auditor and move the file away: it is made anew from the database.",
    )


class PublishedGoesBack(Conflict):
    """Somebody else has published a larger tree meanwhile; a published checkpoint never goes back."""

    code = "published-goes-back"


class TileFiles:
    """Implements TileSource over a folder, and writes it.

    Every file appears whole or not at all and is on the disk when the call returns: written under another name,
    flushed, linked to its own name, and the folder flushed. One path holds the same bytes for ever; only
    ``checkpoint`` is replaced, and never by a smaller one. OSError passes through: the disk is full or gone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, path: str) -> bytes:
        """Return the bytes at a path. Raises InvalidInput for one that no log has, NotFound when nothing is there."""
        return await asyncio.to_thread(self.read_now, path)

    def read_now(self, path: str) -> bytes:
        """Return the bytes at a path, as ``read`` does, blocking."""
        try:
            return self._located(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound("there is no such published file") from error

    def write_once(self, path: str, data: bytes) -> None:
        """Put a tile or bundle in its place; the same bytes again do nothing.

        Raises PublishedFileDamaged when other bytes stand there already, or when what was written reads back
        otherwise.
        """
        if path == CHECKPOINT:
            raise InvalidInput("the checkpoint is published, not written once")
        target = self._located(path)
        self._make_folders(target.parent)
        with self._unfinished(target.parent, data) as unfinished, contextlib.suppress(FileExistsError):
            # A link, unlike a rename, never replaces what another process has put there.
            os.link(unfinished, target)
        _flush_folder(target.parent)
        if target.read_bytes() != data:
            raise damaged(path)

    def published(self) -> Checkpoint | None:
        """Return what the published checkpoint says, its signatures not checked, or None when there is none.

        Raises PublishedFileDamaged when the file cannot be read as a checkpoint.
        """
        try:
            return read_unverified_checkpoint(self.read_now(CHECKPOINT))
        except NotFound:
            return None
        except InvalidInput as error:
            raise PublishedFileDamaged(
                "the published checkpoint is not a checkpoint",
                remedy="Keep a copy for the auditor and move the file away: it is made anew from the database.",
            ) from error

    def publish(self, note: bytes) -> None:
        """Replace the checkpoint, atomically and durably. Every file that it covers must be there already.

        Raises PublishedGoesBack when a larger one has been published meanwhile.
        """
        size = read_unverified_checkpoint(note).size
        self._make_folders(self._folder)
        with self._locked():
            before = self.published()
            if before is not None and before.size > size:
                raise PublishedGoesBack(f"a checkpoint of size {before.size} has been published; {size} is older")
            with self._unfinished(self._folder, note) as unfinished:
                unfinished.rename(self._folder / CHECKPOINT)
            _flush_folder(self._folder)

    def drop_partials(self, level: int | None, index: int) -> None:
        """Delete the partial files of one tile or bundle, if its full one is there."""
        full = self._located(tile_path(level, index))
        if full.is_file():
            # A reader that still holds an older checkpoint finds what it needs at the start of the full file.
            shutil.rmtree(full.with_name(full.name + ".p"), ignore_errors=True)

    def sweep(self, covered: TreeSize) -> None:
        """Delete what a crash has left behind: unfinished files, and partial ones whose full one is published.

        ``covered`` is the published size. A full file that no checkpoint covers yet replaces nothing: readers of the
        published one ask for the partial.
        """
        for folder, folders, names in os.walk(self._folder):
            for name in names:
                if name.startswith(_UNFINISHED):
                    Path(folder, name).unlink(missing_ok=True)
            for name in folders:
                if name.endswith(".p"):
                    full = Path(folder, name.removesuffix(".p")).relative_to(self._folder)
                    # A folder that is no tile's is somebody else's.
                    with contextlib.suppress(InvalidInput):
                        level, index, _ = parse_tile_path(full.as_posix())
                        if (index + 1) * TILE_WIDTH ** ((level or 0) + 1) <= covered:
                            self.drop_partials(level, index)

    def _located(self, path: str) -> Path:
        # Nothing but a canonical name passes, so that no path can lead out of the folder.
        if path != CHECKPOINT:
            parse_tile_path(path)
        return self._folder / path

    def _make_folders(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
            _flush_folder(each.parent)

    @contextlib.contextmanager
    def _unfinished(self, folder: Path, data: bytes) -> Iterator[Path]:
        descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # A writer that has lost its office may still be publishing while its successor does.
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
