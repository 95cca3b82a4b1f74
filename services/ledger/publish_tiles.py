"""Publishing the log as static files: tiles and bundles first, read back, then the checkpoint that covers them."""

import asyncio
import contextlib
import math
import os
from collections.abc import AsyncGenerator, Callable, Sequence

import structlog
from prometheus_client import Counter, Gauge

from services.ledger.adapters.tile_files import CHECKPOINT, PublishedFileDamaged, TileFiles
from services.ledger.look_over_tiles import check_bundle, look_over
from services.ledger.ports import Head, Witnesses
from services.ledger.write_tiles import DatabaseContradictsPublished, StoredEntries, TileWriter
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.process.logs import fault
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.merkle import ProofInvalid
from shared.transparency.right_edge import NO_EDGE, RightEdge, edge_of_tiles, partial_widths
from shared.transparency.signed_note import NoteSignature, format_signature, split_note
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tiles import TILE_WIDTH, tile_path

PACE_S = 0.5
"""At most this often: each published size leaves a partial file on every level until the full one is there."""

RETRY_AFTER_S = 1.0
SWEEP_EVERY_S = 60.0
LOOK_AGAIN_AFTER_S = 60.0
LOOK_OVER_PAUSE_S = 0.02
"""Between one published file and the next, while all are looked over after a start: a few hundredths of a processor."""

PUBLISHED_SIZE = Gauge("ledger_published_size", "Entries that the published checkpoint covers")
PUBLISH_FAILURES = Counter("ledger_publish_failures_total", "Times that publishing failed and was begun anew")
PUBLISH_HALTED = Gauge("ledger_publish_halted", "1 while a published file is damaged and publishing has halted")

log = structlog.get_logger()


class TilePublisher:
    """Follows the released head and publishes it. Only this task waits for disk and witnesses; acceptance goes on.

    Every file that a checkpoint needs is durable, read back and hashed to the signed root before the checkpoint is
    written. A crash anywhere leaves the old checkpoint with all its files; the next run goes on from there, from an
    empty folder as well. Once after each start, beside all else, every published file is read and held against the
    published root. A checkpoint that too few witnesses cosigned is published all the same; they are asked on, and
    it is published again with what they sign, until they are enough or a newer one takes its place.
    """

    def __init__(
        self,
        *,
        files: TileFiles,
        entries: StoredEntries,
        witnesses: Witnesses,
        released: Callable[[], Head | None],
        look_again_after_s: float = LOOK_AGAIN_AFTER_S,
    ) -> None:
        self.files = files
        self.witnesses = witnesses
        self._entries = entries
        self._released = released
        self._more = asyncio.Event()
        self._asking_on: asyncio.Task[None] | None = None
        self._look_again_after_s = look_again_after_s
        self._looking_over: asyncio.Task[None] | None = None
        self._is_looked_over = False
        self._is_doubted = False
        self._sweep_from_s = -math.inf

    def wake(self) -> None:
        """Say that there is a new released head."""
        self._more.set()

    async def run(self) -> None:
        """Publish until cancelled.

        Whatever fails is counted, logged and tried again. A file that is gone is made again from the database. A
        damaged one halts publishing until it is moved away, and is looked at again each minute. Raises IntegrityFailure
        when the log itself contradicts what was published or signed: then nothing more may be signed.
        """
        while True:
            try:
                await self._follow()
            except PublishedFileDamaged as damage:
                PUBLISH_HALTED.set(1)
                log.error("publishing_halted", detail=damage.detail, remedy=damage.remedy)
                await asyncio.sleep(self._look_again_after_s)
            except IntegrityFailure:
                raise
            except Exception as error:
                # Nothing that a disk or a witness does may reach the writer, which runs in this process.
                PUBLISH_FAILURES.inc()
                log.warning("publishing_interrupted", **fault(error), detail=_reason(error))
                await asyncio.sleep(RETRY_AFTER_S)
            finally:
                await self._look_no_more()
                await self._ask_no_more()

    async def _follow(self) -> None:
        # What is published is read anew after each failure: another process may have gone on meanwhile.
        edge: RightEdge | None = None
        while True:
            self._more.clear()
            head = self._released()
            if head is not None:
                if edge is None or self._is_doubted:
                    await self._ask_no_more()
                    edge = await self._published_edge()
                    if not self._is_looked_over and self._looking_over is None:
                        self._looking_over = asyncio.create_task(self._look_over(edge))
                    if edge.size == head.size:
                        await self._ask_again(head)
                if head.size > edge.size:
                    edge = await self.publish(edge, head)
                PUBLISHED_SIZE.set(edge.size)
                PUBLISH_HALTED.set(0)
                await asyncio.sleep(PACE_S)
            await self._more_or_failure()

    async def _more_or_failure(self) -> None:
        """Return when there is a new head; raise what ended looking over, or asking for more cosignatures."""
        more = asyncio.create_task(self._more.wait())
        try:
            while not more.done():
                beside = [task for task in (self._looking_over, self._asking_on) if task is not None]
                await asyncio.wait([more, *beside], return_when=asyncio.FIRST_COMPLETED)
                if self._looking_over is not None and self._looking_over.done():
                    looked_over, self._looking_over = self._looking_over, None
                    looked_over.result()
                if self._asking_on is not None and self._asking_on.done():
                    ended, self._asking_on = self._asking_on, None
                    ended.result()
        finally:
            more.cancel()

    async def publish(self, edge: RightEdge, head: Head) -> RightEdge:
        """Publish one head, given the right edge of what is published; return the new edge."""
        await self._ask_no_more()
        said = read_unverified_checkpoint(head.checkpoint)
        grown = await self._grow(edge, to=said)
        cosignatures = self._cosign(said, head)
        try:
            await self._publish_with(head, await anext(cosignatures, ()), size=grown.size)
            await asyncio.to_thread(self._drop_outgrown, edge.size, grown.size)
        except BaseException:
            await cosignatures.aclose()
            raise
        self._asking_on = asyncio.create_task(self._ask_on(head, cosignatures, size=grown.size))
        # A task that is cancelled before its first step would never close what it was given.
        await asyncio.sleep(0)
        return grown

    def _cosign(
        self, said: Checkpoint, head: Head, *, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        prover = TileProver(self.files, said)

        async def prove(old_size: TreeSize) -> tuple[bytes, ...]:
            try:
                return await prover.consistency(old_size)
            except (NotFound, ProofInvalid) as error:
                # A file below the edge is gone or damaged: the witness gets no proof, and the files are looked over.
                self._is_doubted = True
                self.wake()
                raise NotFound("the published files do not give this proof") from error

        return self.witnesses.cosign(said, head.checkpoint, prove=prove, held=held)

    async def _publish_with(self, head: Head, cosignatures: Sequence[NoteSignature], *, size: TreeSize) -> None:
        note = head.checkpoint + b"".join(format_signature(signature) for signature in cosignatures)
        writing = asyncio.create_task(asyncio.to_thread(self.files.publish, note))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A thread goes on when its waiter is cancelled: an old checkpoint could take the place of a newer one.
            await asyncio.wait([writing])
            raise
        log.info("ledger_published", size=size, cosignatures=len(cosignatures))

    async def _ask_on(
        self, head: Head, cosignatures: AsyncGenerator[tuple[NoteSignature, ...], None], *, size: TreeSize
    ) -> None:
        """Publish the same checkpoint again with each cosignature that comes later."""
        async with contextlib.aclosing(cosignatures):
            async for more in cosignatures:
                await self._publish_with(head, more, size=size)

    async def _ask_again(self, head: Head) -> None:
        """Ask for what a checkpoint that is published already lacks: whoever asked before may have ended too early."""
        said = read_unverified_checkpoint(head.checkpoint)
        published = await asyncio.to_thread(self.files.read_now, CHECKPOINT)
        held = split_note(published)[1]
        self._asking_on = asyncio.create_task(self._ask_on(head, self._cosign(said, head, held=held), size=said.size))

    async def _ask_no_more(self) -> None:
        """End the asking for the last checkpoint; raise IntegrityFailure when it had found one."""
        asking_on, self._asking_on = self._asking_on, None
        if asking_on is None:
            return
        asking_on.cancel()
        await asyncio.wait([asking_on])
        if not asking_on.cancelled() and isinstance(error := asking_on.exception(), IntegrityFailure):
            raise error

    async def _grow(self, edge: RightEdge, *, to: Checkpoint) -> RightEdge:
        grown = await TileWriter(self.files, self._entries).grow(edge, size=to.size)
        if grown.root() != to.root:
            raise DatabaseContradictsPublished(
                f"the database's entries do not hash to the root that was signed at size {to.size}",
                remedy="The history was changed. Keep the database and the tiles, and call the auditor.",
            )
        return grown

    async def _sweep(self, covered: TreeSize) -> None:
        """Clear away what a crash left behind. It walks every file there is: not again with each failing attempt."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._sweep_from_s:
            await asyncio.to_thread(self.files.sweep, covered)
            self._sweep_from_s = now_s + SWEEP_EVERY_S

    async def _published_edge(self) -> RightEdge:
        """Return the right edge of what is published; what is missing below it is made again from the database."""
        published = await asyncio.to_thread(self.files.published)
        await self._sweep(published.size if published is not None else TreeSize(0))
        if published is None:
            return NO_EDGE
        edge = await asyncio.to_thread(self._edge_in_files, published)
        try:
            if edge is not None and self._is_doubted:
                await look_over(self.files, edge, pause_s=0)
                self._is_looked_over = True
        except NotFound:
            edge = None
        if edge is None:
            log.warning("published_files_incomplete", size=published.size)
            edge = await self._grow(NO_EDGE, to=published)
            self._is_looked_over = True
        self._is_doubted = False
        return edge

    def _edge_in_files(self, published: Checkpoint) -> RightEdge | None:
        try:
            tiles = [
                self.files.read_now(tile_path(level, published.size // TILE_WIDTH ** (level + 1), width=width))
                if width
                else b""
                for level, width in enumerate(partial_widths(published.size))
            ]
            edge = edge_of_tiles(published.size, tiles)
            if edge.root() != published.root:
                return None
            if edge.level(0):
                check_bundle(self.files, published.size // TILE_WIDTH, edge.level(0))
        except (NotFound, InvalidInput):
            return None
        return edge

    async def _look_over(self, edge: RightEdge) -> None:
        try:
            await look_over(self.files, edge, pause_s=LOOK_OVER_PAUSE_S)
        except (NotFound, PublishedFileDamaged):
            self._is_doubted = True
            raise
        self._is_looked_over = True

    async def _look_no_more(self) -> None:
        looking_over, self._looking_over = self._looking_over, None
        if looking_over is not None:
            looking_over.cancel()
            # What it found while nobody asked is found again: it has left its doubt behind.
            await asyncio.gather(looking_over, return_exceptions=True)

    def _drop_outgrown(self, old_size: TreeSize, new_size: TreeSize) -> None:
        """Delete the partial files whose full ones the new checkpoint is the first to cover."""
        for level in range(len(partial_widths(new_size))):
            full = TILE_WIDTH ** (level + 1)
            # Those in between have partial files too when a crash or a full disk came before their checkpoint.
            for index in range(old_size // full, new_size // full):
                self.files.drop_partials(level, index)
                if level == 0:
                    self.files.drop_partials(None, index)


def _reason(error: Exception) -> str:
    """Return why, where that can be said without anything that an entry holds."""
    if isinstance(error, OSError):
        return os.strerror(error.errno or 0)
    return error.detail if isinstance(error, ExchangeError) else ""
