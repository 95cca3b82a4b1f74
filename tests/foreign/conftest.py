"""A log that the real processes wrote, as the folder they published, for verifiers that others wrote."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import pytest_asyncio

from client.exchange_client import Answer
from services.ledger.adapters.tile_files import TileFiles
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.tiles import parse_bundle, tile_path
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import share

SMALLEST = 300
"""More than one full tile, so that there is a level above."""


@dataclass(frozen=True, slots=True)
class WrittenLog:
    """What a stranger has: the published folder, the log's key, an older checkpoint, and receipts with entries."""

    folder: Path
    verifier_key: str
    older: Path
    receipts: tuple[tuple[Path, Path], ...]

    @property
    def checkpoint(self) -> Checkpoint:
        """What the published checkpoint says."""
        return read_unverified_checkpoint((self.folder / "checkpoint").read_bytes())

    def entries(self) -> list[bytes]:
        """Return the entries in the published bundles."""
        size = self.checkpoint.size
        widths = [min(256, size - start) for start in range(0, size, 256)]
        paths = [self.folder / tile_path(None, index, width=width) for index, width in enumerate(widths)]
        return [entry for path in paths for entry in parse_bundle(path.read_bytes())]

    def copied_to(self, folder: Path) -> "WrittenLog":
        """Return a copy to tamper with."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the folder on the loopback address and give its URL."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(self.folder)))
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Silent(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_message: object) -> None:
        return


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def written_log(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WrittenLog]:
    """Have agencies share until the published log has full tiles, a level above them, and an odd size."""
    home = tmp_path_factory.mktemp("written-log")
    async with running_exchange() as exchange, exchange.client() as client:
        # From here on an entry comes with each share and with nothing else.
        await exchange.local.stop_service("notifier")
        files = TileFiles(exchange.local.layout.tiles)
        answers = [await client.share(share())]
        await _published(files, answers[-1])
        older = home / "older-checkpoint"
        older.write_bytes(files.read_now("checkpoint"))
        while _position(answers[-1]) < SMALLEST or _position(answers[-1]) % 2:
            answers.append(await client.share(share()))
        await _published(files, answers[-1])
        await _everything(exchange, home / "log")
        yield WrittenLog(home / "log", exchange.local.log_verifier_key(), older, _receipts(home, answers))


async def _published(files: TileFiles, answer: Answer) -> None:
    async def covered() -> bool | None:
        published = files.published()
        return True if published is not None and published.size > _position(answer) else None

    assert await patiently(covered), "not published"


async def _everything(exchange: TestExchange, folder: Path) -> None:
    await exchange.local.stop_service("ledger")
    shutil.copytree(exchange.local.layout.tiles, folder)
    published = TileFiles(folder).published()
    assert published is not None
    assert published.size > SMALLEST
    assert published.size % 2


def _position(answer: Answer) -> int:
    return int(str(answer.content["position"]))


def _receipts(home: Path, answers: list[Answer]) -> tuple[tuple[Path, Path], ...]:
    written = []
    for ordinal, answer in enumerate(answers[::60]):
        receipt = answer.content["receipt"]
        assert isinstance(receipt, dict)
        proof, entry = home / f"receipt-{ordinal}", home / f"entry-{ordinal}"
        proof.write_text(str(receipt["proof"]), "utf-8")
        entry.write_text(str(receipt["entry"]), "utf-8")
        written.append((proof, entry))
    return tuple(written)
