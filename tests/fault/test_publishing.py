"""Publishing survives a kill at any moment, and a database that does not extend what was published signs nothing."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from services.ledger.adapters.tile_files import TileFiles
from shared.errors import ExchangeError, NotFound, Unavailable
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.tile_proofs import TileProver
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def publishing() -> AsyncIterator[TestExchange]:
    """One exchange for these tests; each leaves it running and mended."""
    async with running_exchange() as exchange:
        yield exchange


async def share_once(exchange: TestExchange) -> int:
    """Share something; return the size of the log at least."""
    async with exchange.client() as client:
        return int(str((await client.share(share())).content["position"])) + 1


async def published_at_least(exchange: TestExchange, size: int) -> Checkpoint:
    """Wait until a checkpoint of that size is published, and prove its first and last leaf from the files."""
    files = TileFiles(exchange.local.layout.tiles)
    verifier = parse_verifier_key(exchange.local.log_verifier_key())

    async def look() -> Checkpoint | None:
        try:
            checkpoint = open_checkpoint(files.read_now("checkpoint"), [verifier])
        except NotFound:
            return None
        return checkpoint if checkpoint.size >= size else None

    checkpoint = await patiently(look)
    assert checkpoint is not None, "not published"
    prover = TileProver(files, checkpoint)
    for position in (0, checkpoint.size - 1):
        await prover.inclusion(position)
    return checkpoint


async def refusal_to_start(exchange: TestExchange) -> str:
    """Start the ledger, which must refuse, and return what its log says."""
    with pytest.raises(ExchangeError):
        async with asyncio.timeout(60):
            await exchange.local.start_service("ledger")
    await exchange.local.stop_service("ledger")
    return exchange.local.layout.log_file("ledger").read_text("utf-8")


async def test_a_kill_while_publishing_and_a_lost_folder_are_caught_up_with(publishing: TestExchange) -> None:
    exchange = publishing
    for _ in range(3):
        await asyncio.gather(*(share_once(exchange) for _ in range(5)))
        os.kill(exchange.local.pid("ledger"), signal.SIGKILL)
        await _writing_again(exchange)
    before = await published_at_least(exchange, await share_once(exchange))
    await exchange.local.stop_service("ledger")
    shutil.rmtree(exchange.local.layout.tiles)
    await exchange.local.start_service("ledger")
    after = await published_at_least(exchange, before.size)
    assert await TileProver(TileFiles(exchange.local.layout.tiles), after).root_at(before.size) == before.root


async def test_a_ledger_whose_database_does_not_extend_what_was_published_signs_nothing_and_says_why(
    publishing: TestExchange,
) -> None:
    exchange = publishing
    checkpoint = await published_at_least(exchange, await share_once(exchange))
    await exchange.all_signed_for()
    await exchange.local.stop_service("ledger")
    path = exchange.local.layout.tiles / "checkpoint"
    honest = path.read_bytes()
    for forge, reason in FORGERIES:
        path.write_bytes(forge(honest))
        assert reason in await refusal_to_start(exchange)
    path.write_bytes(honest)
    await exchange.local.start_service("ledger")
    await published_at_least(exchange, checkpoint.size)


def _other_root(note: bytes) -> bytes:
    said = read_unverified_checkpoint(note)
    return note.replace(said.body(), Checkpoint(said.origin, said.size, bytes(32)).body())


def _larger(note: bytes) -> bytes:
    said = read_unverified_checkpoint(note)
    return note.replace(said.body(), Checkpoint(said.origin, TreeSize(said.size + 1_000), said.root).body())


FORGERIES: tuple[tuple[Callable[[bytes], bytes], str], ...] = (
    (_other_root, "is not the one that was published"),
    (_larger, "were published: it is an old copy or was truncated"),
    (lambda note: note[:20], "the published checkpoint is not a checkpoint"),
)


async def _writing_again(exchange: TestExchange) -> None:
    async def head() -> int | None:
        async with exchange.ledger() as ledger:
            try:
                return (await ledger.tree_head()).size
            except Unavailable:
                return None

    assert await patiently(head)


async def test_a_damaged_tile_halts_publishing_and_never_acceptance(publishing: TestExchange) -> None:
    exchange = publishing
    checkpoint = await published_at_least(exchange, await share_once(exchange))
    await exchange.all_signed_for()
    await exchange.local.stop_service("ledger")
    size = read_unverified_checkpoint((exchange.local.layout.tiles / "checkpoint").read_bytes()).size
    damaged = exchange.local.layout.tiles / f"tile/0/000.p/{size}"
    damaged.write_bytes(bytes(size * 32))
    await exchange.local.start_service("ledger")
    assert await share_once(exchange) > checkpoint.size
    log = exchange.local.layout.log_file("ledger")

    async def halted() -> bool | None:
        return "publishing_halted" in log.read_text("utf-8") or None

    assert await patiently(halted)
    assert await share_once(exchange)
    assert f"tile/0/000.p/{size}" in log.read_text("utf-8")
    # Moved away, it is made again from the database.
    damaged.unlink()
    await exchange.local.stop_service("ledger")
    await exchange.local.start_service("ledger")
    await published_at_least(exchange, await share_once(exchange))
