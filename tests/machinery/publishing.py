"""A publisher over a folder, driven head by head, with witnesses that check what they are shown."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.ledger.adapters.tile_files import TileFiles
from services.ledger.no_witnesses import NoWitnesses
from services.ledger.ports import ConsistencyProver, Head
from services.ledger.publish_tiles import TilePublisher
from shared.errors import NotFound
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import verify_consistency
from shared.transparency.right_edge import RightEdge
from shared.transparency.signed_note import NoteSignature
from tests.machinery.tiled_log import LOG, FakeEntries

ENTRIES = FakeEntries.of(66_000)


class Publishing:
    """A publisher over a folder, driven head by head."""

    def __init__(self, folder: Path, entries: FakeEntries = ENTRIES, files: TileFiles | None = None) -> None:
        self.folder = folder
        self.files = files or TileFiles(folder)
        self.entries = entries
        self.released: Head | None = None
        self.witnesses = Cosigning()
        self.publisher = TilePublisher(
            files=self.files,
            entries=entries,
            witnesses=self.witnesses,
            released=lambda: self.released,
            look_again_after_s=0.05,
        )

    async def to(self, *sizes: int) -> RightEdge:
        """Begin as after a start, and publish one size after the other."""
        edge = await self.publisher._published_edge()
        for size in sizes:
            edge = await self.publisher.publish(edge, self.entries.head(size))
        return edge

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have it publish by itself what is released, meanwhile."""
        running = asyncio.create_task(self.publisher.run())
        try:
            yield
            assert not running.done(), running.exception()
        finally:
            running.cancel()
            await asyncio.wait([running])

    def release(self, size: int) -> None:
        """Release a larger head."""
        self.released = self.entries.head(size)
        self.publisher.wake()

    def size(self) -> int:
        """Return the published size."""
        published = self.files.published()
        return published.size if published is not None else 0

    def names(self) -> set[str]:
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        return found - {".lock"}


class Cosigning(NoWitnesses):
    """Checks the growth it is shown like a witness, and cosigns with a key nobody knows."""

    def __init__(self) -> None:
        self.seen: list[Checkpoint] = []

    async def cosign(
        self, checkpoint: Checkpoint, note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        if self.seen:
            old = self.seen[-1]
            try:
                proof = await prove(old.size)
            except NotFound:
                yield ()
                return
            verify_consistency(
                old_size=old.size,
                new_size=checkpoint.size,
                old_root=old.root,
                new_root=checkpoint.root,
                path=proof,
            )
        self.seen.append(open_checkpoint(note, [LOG.verifier()]))
        yield (NoteSignature("witness.example", b"abcd", bytes(72)),)
