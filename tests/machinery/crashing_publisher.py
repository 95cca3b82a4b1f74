"""The published files and the witnesses of a ledger, dying around each step of publishing, or in the middle of one."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.ledger.adapters.tile_files import TileFiles
from services.ledger.ports import ConsistencyProver, Witnesses
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.signed_note import NoteSignature
from shared.transparency.tiles import tile_path
from tests.machinery.crash import Crash, die


class CrashingFiles(TileFiles):
    """A folder of published files whose writer dies at a step.

    A size's files are written in this order: bundles, each followed by the hash tiles that it fills, then what is
    partial, level by level, then the checkpoint.
    """

    def __init__(self, folder: Path, crash: Crash) -> None:
        super().__init__(folder)
        self._crash = crash
        self._writing = ""

    def write_once(self, path: str, data: bytes) -> None:
        self._writing = "a bundle" if path.startswith("tile/entries/") else "a tile"
        super().write_once(path, data)

    def publish(self, note: bytes) -> None:
        self._crash.at("publish: after the tiles, before the checkpoint")
        self._writing = "the checkpoint"
        super().publish(note)
        self._crash.at("publish: after the checkpoint, before partial files are dropped")

    def drop_partials(self, level: int | None, index: int) -> None:
        if self._crash.reached("publish: while partial files are dropped"):
            folder = self._folder / f"{tile_path(level, index)}.p"
            min(folder.iterdir(), key=lambda path: int(path.name)).unlink()
            die()
        super().drop_partials(level, index)

    @contextmanager
    def _unfinished(self, folder: Path, data: bytes) -> Iterator[Path]:
        if self._crash.reached(f"publish: in the middle of writing {self._writing}"):
            with super()._unfinished(folder, data[: len(data) // 2]):
                die()
        with super()._unfinished(folder, data) as unfinished:
            self._crash.at(f"publish: before {self._writing} has its name")
            yield unfinished
            self._crash.at(f"publish: after {self._writing} has its name")


@dataclass(slots=True)
class CrashingWitnesses:
    """Witnesses whose asker dies before, while or after it asks them."""

    witnesses: Witnesses
    crash: Crash

    async def cosign(
        self, checkpoint: Checkpoint, note: bytes, *, prove: ConsistencyProver, held: Sequence[NoteSignature] = ()
    ) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
        async def prove_crashing(old_size: TreeSize) -> tuple[bytes, ...]:
            self.crash.at("publish: while a witness is asked")
            return await prove(old_size)

        self.crash.at("publish: before the witnesses are asked")
        async with aclosing(self.witnesses.cosign(checkpoint, note, prove=prove_crashing, held=held)) as answers:
            async for cosignatures in answers:
                self.crash.at("publish: after the witnesses' answers, before the checkpoint")
                yield cosignatures
