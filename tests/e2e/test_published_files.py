"""What the running ledger publishes: complete, provable, readable by auditors over plain HTTP and by nobody else."""

import aiohttp
import pytest
import yarl

from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.ledger.client import LedgerTiles
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import leaf_hash
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tiles import parse_bundle, tile_path
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.exchange import TestExchange, patiently
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def published(exchange: TestExchange) -> Checkpoint:
    """Share something and return the published checkpoint that covers it."""
    async with exchange.client() as client:
        answer = await client.share(share())
    verifier = parse_verifier_key(exchange.local.log_verifier_key())
    async with exchange.ledger("auditor") as ledger:

        async def covers() -> Checkpoint | None:
            try:
                checkpoint = open_checkpoint(await ledger.tile("checkpoint"), [verifier])
            except NotFound:
                return None
            return checkpoint if checkpoint.size > int(str(answer.content["position"])) else None

        found = await patiently(covers)
    assert found is not None, "the entry was never published"
    return found


async def test_every_entry_is_published_and_proven_from_the_tiles_an_auditor_reads(exchange: TestExchange) -> None:
    checkpoint = await published(exchange)
    entries = await stored_leaves(exchange)
    async with exchange.ledger("auditor") as ledger:
        prover = TileProver(LedgerTiles(ledger), checkpoint)
        for position in range(0, checkpoint.size, 7):
            assert (await prover.inclusion(position)).leaf_hash == leaf_hash(entries[position])
        width = checkpoint.size % 256
        bundle = parse_bundle(await ledger.tile(tile_path(None, checkpoint.size // 256, width=width)))
        assert bundle == entries[checkpoint.size // 256 * 256 : checkpoint.size]


async def stored_leaves(exchange: TestExchange) -> list[bytes]:
    """Return the bytes of every entry, as the database has them."""
    leaves: list[bytes] = []
    async with exchange.ledger("auditor") as ledger:
        while page := (await ledger.entries(after=len(leaves) - 1)).entries:
            leaves.extend(stored.leaf for stored in page)
    return leaves


async def test_the_auditor_s_door_serves_files_over_plain_http_as_the_specification_says(
    exchange: TestExchange,
) -> None:
    checkpoint = await published(exchange)
    connector = aiohttp.UnixConnector(str(exchange.local.sockets / "ledger-auditor.sock"))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get("http://ledger/checkpoint") as answer:
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["cache-control"] == "no-cache"
            assert (await answer.read()).startswith(checkpoint.origin.encode() + b"\n")
        path = tile_path(0, checkpoint.size // 256, width=checkpoint.size % 256)
        async with session.get(f"http://ledger/{path}") as answer:
            assert answer.headers["content-type"] == "application/octet-stream"
            assert "immutable" in answer.headers["cache-control"]
            assert len(await answer.read()) == checkpoint.size % 256 * 32
        async with session.get("http://ledger/tile/0/x999/999") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "path", ["tile/0/../../secrets/ledger-log.pem", "tile/%2e%2e/%2e%2e/ledger-guard", "tile/0/000%00", ".lock"]
)
async def test_no_path_over_http_leads_out_of_the_published_folder(exchange: TestExchange, path: str) -> None:
    connector = aiohttp.UnixConnector(str(exchange.local.sockets / "ledger-auditor.sock"))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(yarl.URL(f"http://ledger/{path}", encoded=True)) as answer,
    ):
        assert answer.status == 400
    async with exchange.ledger("auditor") as ledger:
        with pytest.raises(InvalidInput):
            await ledger.tile(path)


@pytest.mark.parametrize("caller", ["notifier", "operator"])
async def test_only_auditors_and_the_gateway_may_read_published_files(exchange: TestExchange, caller: str) -> None:
    async with exchange.ledger(caller) as ledger:
        with pytest.raises(NotPermitted):
            await ledger.tile("checkpoint")
    await published(exchange)
    async with exchange.ledger("gateway") as ledger:
        assert await ledger.tile("checkpoint")
    connector = aiohttp.UnixConnector(str(exchange.local.sockets / f"ledger-{caller}.sock"))
    async with aiohttp.ClientSession(connector=connector) as session, session.get("http://ledger/checkpoint") as answer:
        assert answer.status != 200
