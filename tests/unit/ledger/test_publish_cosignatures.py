"""Publishing what witnesses sign: with the checkpoint, and after it, until a newer one takes its place."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from services.ledger.adapters.tile_files import TileFiles
from services.ledger.adapters.witness_site import LogForked
from services.ledger.no_witnesses import NoWitnesses
from services.ledger.ports import ConsistencyProver
from services.ledger.publish_tiles import TilePublisher
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.signed_note import NoteSignature, open_note
from tests.machinery.publishing import ENTRIES, Publishing
from tests.machinery.tiled_log import LOG


class Scripted(NoWitnesses):
    """Cosigns late, with one more witness each time the test says so; remembers what it was told is held already."""

    def __init__(self) -> None:
        self.more: asyncio.Queue[str] = asyncio.Queue()
        self.begun: list[tuple[int, int]] = []
        self.closed: list[int] = []

    async def cosign(
        self, checkpoint: Checkpoint, _note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        del prove
        self.begun.append((checkpoint.size, len(held)))
        signatures: tuple[NoteSignature, ...] = ()
        try:
            yield signatures
            while True:
                signatures += (NoteSignature(await self.more.get(), b"abcd", bytes(72)),)
                yield signatures
        finally:
            self.closed.append(checkpoint.size)


def cosigners(files: TileFiles) -> list[str]:
    return [each.name for each in open_note(files.read_now("checkpoint"), [LOG.verifier()]).unknown]


async def test_what_witnesses_sign_later_is_published_too_until_a_newer_checkpoint_comes(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path / "tiles")
    scripted = Scripted()
    publisher = TilePublisher(
        files=publishing.files, entries=ENTRIES, witnesses=scripted, released=lambda: publishing.released
    )
    publishing.released = ENTRIES.head(10)
    running = asyncio.create_task(publisher.run())
    for count, name in enumerate(("one.example", "two.example")):
        while publishing.files.published() is None or len(cosigners(publishing.files)) < count:
            await asyncio.sleep(0.01)
        scripted.more.put_nowait(name)
    while cosigners(publishing.files) != ["one.example", "two.example"]:
        await asyncio.sleep(0.01)
    publishing.released = ENTRIES.head(20)
    publisher.wake()
    while scripted.begun != [(10, 0), (20, 0)] or cosigners(publishing.files):
        await asyncio.sleep(0.01)
    assert scripted.closed == [10]
    running.cancel()
    await asyncio.wait([running])
    assert scripted.closed == [10, 20]


class SlowToWrite(TileFiles):
    """Holds each writing of the checkpoint until it is let go, as a busy disk does."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def publish(self, note: bytes) -> None:
        self.begun.release()
        self.go_on.acquire()
        super().publish(note)


async def test_a_checkpoint_still_being_written_when_a_newer_one_comes_never_takes_its_place(tmp_path: Path) -> None:
    files, scripted = SlowToWrite(tmp_path / "tiles"), Scripted()
    released = ENTRIES.head(10)
    publisher = TilePublisher(files=files, entries=ENTRIES, witnesses=scripted, released=lambda: released)
    running = asyncio.create_task(publisher.run())
    await asyncio.to_thread(files.begun.acquire)
    files.go_on.release()
    scripted.more.put_nowait("one.example")
    # The first checkpoint is being written again, with a cosignature; a newer one comes meanwhile.
    await asyncio.to_thread(files.begun.acquire)
    released = ENTRIES.head(20)
    publisher.wake()
    assert not await asyncio.to_thread(files.begun.acquire, timeout=1.0)
    files.go_on.release(2)
    while (published := files.published()) is None or published.size != 20:
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert scripted.closed == [10, 20]


async def test_a_new_process_asks_on_for_the_checkpoint_that_is_published_already(tmp_path: Path) -> None:
    publishing = Publishing(tmp_path / "tiles")
    await publishing.to(10)
    scripted = Scripted()
    publishing.released = ENTRIES.head(10)
    publisher = TilePublisher(
        files=publishing.files, entries=ENTRIES, witnesses=scripted, released=lambda: publishing.released
    )
    running = asyncio.create_task(publisher.run())
    scripted.more.put_nowait("late.example")
    while cosigners(publishing.files) != ["late.example"]:
        await asyncio.sleep(0.01)
    # The log's own line and the witness's: which of them is worth something is for the policy to say.
    assert scripted.begun == [(10, 2)]
    running.cancel()
    await asyncio.wait([running])


async def test_a_fork_that_a_witness_shows_later_ends_the_ledger(tmp_path: Path) -> None:
    class ShowsFork(NoWitnesses):
        async def cosign(
            self, _checkpoint: Checkpoint, _note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
        ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
            del prove, held
            yield ()
            raise LogForked("a witness cosigned another history")

    publisher = TilePublisher(
        files=TileFiles(tmp_path / "tiles"), entries=ENTRIES, witnesses=ShowsFork(), released=lambda: ENTRIES.head(10)
    )
    with pytest.raises(LogForked):
        await publisher.run()
