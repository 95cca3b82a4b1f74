"""Publishing the log as static files: tiles and bundles first, read back, then the checkpoint that covers them."""

import asyncio
from collections.abc import Callable

import structlog
from prometheus_client import Counter, Gauge

from services.ledger.adapters.tile_files import PublishedFileDamaged, TileFiles
from services.ledger.ports import Head, Witnesses
from services.ledger.write_tiles import DatabaseContradictsPublished, StoredEntries, TileWriter
from shared.errors import IntegrityFailure, InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.right_edge import NO_EDGE, RightEdge, edge_of_tiles, partial_widths
from shared.transparency.signed_note import format_signature
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tiles import TILE_WIDTH, tile_path

PACE_S = 0.5
"""At most this often: each published size leaves a partial file on every level until the full one is there."""

RETRY_AFTER_S = 1.0
LOOK_AGAIN_AFTER_S = 60.0

PUBLISHED_SIZE = Gauge("ledger_published_size", "Entries that the published checkpoint covers")
PUBLISH_FAILURES = Counter("ledger_publish_failures_total", "Times that publishing failed and was begun anew")
PUBLISH_HALTED = Gauge("ledger_publish_halted", "1 while a published file is damaged and publishing has halted")

log = structlog.get_logger()


class TilePublisher:
    """Follows the released head and publishes it. Only this task waits for disk and witnesses; acceptance goes on.

    Every file that a checkpoint needs is durable, read back and hashed to the signed root before the checkpoint is
    written. A crash anywhere leaves the old checkpoint with all its files; the next run goes on from there, from an
    empty folder as well.
    """

    def __init__(
        self, *, files: TileFiles, entries: StoredEntries, witnesses: Witnesses, released: Callable[[], Head | None]
    ) -> None:
        self._files = files
        self._writer = TileWriter(files, entries)
        self._witnesses = witnesses
        self._released = released
        self._more = asyncio.Event()

    def wake(self) -> None:
        """Say that there is a new released head."""
        self._more.set()

    async def run(self) -> None:
        """Publish until cancelled.

        Whatever fails is counted, logged and tried again. A damaged file halts publishing until it is mended, and is
        looked at again each minute. Raises IntegrityFailure when the log itself contradicts what was published or
        signed: then nothing more may be signed.
        """
        while True:
            try:
                await self._follow()
            except PublishedFileDamaged as damage:
                PUBLISH_HALTED.set(1)
                log.error("publishing_halted", detail=damage.detail, remedy=damage.remedy)
                await asyncio.sleep(LOOK_AGAIN_AFTER_S)
            except IntegrityFailure:
                raise
            except Exception as error:
                # Nothing that a disk or a witness does may reach the writer, which runs in this process.
                PUBLISH_FAILURES.inc()
                log.warning("publishing_interrupted", kind=type(error).__name__)
                await asyncio.sleep(RETRY_AFTER_S)

    async def _follow(self) -> None:
        # What is published is read anew after each failure: another process may have gone on meanwhile.
        edge: RightEdge | None = None
        while True:
            self._more.clear()
            head = self._released()
            if head is not None:
                if edge is None:
                    edge = await self._published_edge()
                if head.size > edge.size:
                    edge = await self.publish(edge, head)
                PUBLISHED_SIZE.set(edge.size)
                PUBLISH_HALTED.set(0)
                await asyncio.sleep(PACE_S)
            await self._more.wait()

    async def publish(self, edge: RightEdge, head: Head) -> RightEdge:
        """Publish one head, given the right edge of what is published; return the new edge."""
        said = read_unverified_checkpoint(head.checkpoint)
        grown = await self._grow(edge, to=said)
        prove = TileProver(self._files, said).consistency
        cosignatures = await self._witnesses.cosign(said, head.checkpoint, prove=prove)
        note = head.checkpoint + b"".join(format_signature(signature) for signature in cosignatures)
        await asyncio.to_thread(self._files.publish, note)
        await asyncio.to_thread(self._drop_outgrown, edge.size, grown.size)
        log.info("ledger_published", size=grown.size, cosignatures=len(cosignatures))
        return grown

    async def _grow(self, edge: RightEdge, *, to: Checkpoint) -> RightEdge:
        grown = await self._writer.grow(edge, size=to.size)
        if grown.root() != to.root:
            raise DatabaseContradictsPublished(
                f"the database's entries do not hash to the root that was signed at size {to.size}",
                remedy="The history was changed. Keep the database and the tiles, and call the auditor.",
            )
        return grown

    async def _published_edge(self) -> RightEdge:
        """Return the right edge of what is published; what is missing below it is made again from the database."""
        await asyncio.to_thread(self._files.sweep)
        published = await asyncio.to_thread(self._files.published)
        if published is None:
            return NO_EDGE
        edge = await asyncio.to_thread(self._edge_in_files, published)
        if edge is not None:
            return edge
        log.warning("published_files_incomplete", size=published.size)
        return await self._grow(NO_EDGE, to=published)

    def _edge_in_files(self, published: Checkpoint) -> RightEdge | None:
        try:
            tiles = [
                self._files.read_now(tile_path(level, published.size // TILE_WIDTH ** (level + 1), width=width))
                if width
                else b""
                for level, width in enumerate(partial_widths(published.size))
            ]
            edge = edge_of_tiles(published.size, tiles)
        except (NotFound, InvalidInput):
            return None
        return edge if edge.root() == published.root else None

    def _drop_outgrown(self, old_size: TreeSize, new_size: TreeSize) -> None:
        """Delete the partial files of the old size whose full ones the new checkpoint covers."""
        for level in range(len(partial_widths(old_size))):
            index = old_size // TILE_WIDTH ** (level + 1)
            if new_size // TILE_WIDTH ** (level + 1) > index:
                self._files.drop_partials(level, index)
                if level == 0:
                    self._files.drop_partials(None, index)
