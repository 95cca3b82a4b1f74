"""G4 with witnesses: a history rewritten and re-signed is found by one outside; one that is down stops nothing."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.ledger.adapters.tile_files import TileFiles
from services.witness.adapters.evidence_files import KeptEvidence, read_evidence
from shared.errors import ExchangeError, NotFound
from shared.transparency.checkpoint import open_checkpoint, parse_checkpoint
from shared.transparency.signed_note import NoteSigner, OpenedNote, open_note
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import share
from tests.machinery.tampering import edited_leaf, position_of, recompute_everything
from tests.machinery.witness import WitnessProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def witnessed(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[TestExchange, WitnessProcess, WitnessProcess]]:
    """An exchange with two witnesses, of which the policy wants both and the second has never been started."""
    folder = tmp_path_factory.mktemp("witnesses")
    async with running_exchange() as exchange:
        keys = [exchange.local.log_verifier_key()]
        up, down = (WitnessProcess.prepared(folder / n, log_keys=keys, name=f"{n}.example") for n in ("up", "down"))
        up.start()
        lines = [
            f"witness {each.folder.name}-{ordinal} {key.verifier_key()} {each.url}"
            for each in (up, down)
            for ordinal, key in enumerate(each.verifiers)
        ]
        policy = folder / "policy"
        policy.write_text("\n".join([*lines, "group both all up-0 up-1 down-0 down-1", "quorum both"]), "utf-8")
        await exchange.local.stop_service("ledger")
        await exchange.local.start_service("ledger", settings_of(policy))
        try:
            yield exchange, up, down
        finally:
            up.kill()
            down.kill()


def settings_of(policy: Path) -> dict[str, str]:
    return {"LEDGER_WITNESS_POLICY_FILE": str(policy), "LEDGER_WITNESS_TIMEOUT_S": "3"}


async def published_with(exchange: TestExchange, *witnesses: WitnessProcess) -> OpenedNote:
    """Share something, and wait until a checkpoint that covers it is published with these witnesses' cosignatures."""
    async with exchange.client() as client:
        size = int(str((await client.share(share())).content["position"])) + 1
    files = TileFiles(exchange.local.layout.tiles)
    log_key = parse_verifier_key(exchange.local.log_verifier_key())
    keys = [key for witness in witnesses for key in witness.verifiers]

    async def look() -> OpenedNote | None:
        try:
            opened = open_note(files.read_now("checkpoint"), [log_key, *keys])
        except NotFound:
            return None
        covers = parse_checkpoint(opened.text).size >= size
        return opened if covers and len(opened.verified) == 1 + len(keys) else None

    opened = await patiently(look)
    assert opened is not None, exchange.local.layout.log_file("ledger").read_text("utf-8")[-2000:]
    return opened


async def test_a_witness_that_is_down_stops_neither_acceptance_nor_publishing(
    witnessed: tuple[TestExchange, WitnessProcess, WitnessProcess],
) -> None:
    exchange, up, down = witnessed
    opened = await published_with(exchange, up)
    assert {each.name for each in opened.verified} == {exchange.local.options.origin, up.name}
    assert "witness_quorum_missed" in exchange.local.layout.log_file("ledger").read_text("utf-8")
    down.start()
    await published_with(exchange, up, down)
    down.kill()
    await published_with(exchange, up)


async def test_a_history_rewritten_and_signed_with_the_logs_own_key_is_found_by_one_witness(
    witnessed: tuple[TestExchange, WitnessProcess, WitnessProcess],
) -> None:
    exchange, up, _ = witnessed
    await published_with(exchange, up)
    await exchange.all_signed_for()
    for name in ("notifier", "gateway", "ledger"):
        await exchange.local.stop_service(name)
    size = await rewrite_and_sign_anew(exchange)
    with contextlib.suppress(ExchangeError):
        # It may end before or after it first answers: publishing goes on beside.
        policy = {"LEDGER_WITNESS_POLICY_FILE": str(up.folder.parent / "policy"), "LEDGER_ADOPT_SIZE": str(size)}
        await exchange.local.start_service("ledger", policy)

    async def kept() -> KeptEvidence | None:
        found = read_evidence(up.state / "evidence")
        return found[0] if found else None

    async def said() -> str | None:
        text = exchange.local.layout.log_file("ledger").read_text("utf-8")
        return text if '"code": "log-forked"' in text else None

    evidence = await patiently(kept)
    text = await patiently(said)
    await exchange.local.stop_service("ledger")
    assert evidence is not None, "the witness kept nothing"
    assert text is not None, "the ledger did not stop"
    assert "log_forked" in text
    log_key = parse_verifier_key(exchange.local.log_verifier_key())
    assert evidence.cosigned.origin == evidence.presented.origin == log_key.name
    with pytest.raises(NotFound):
        open_checkpoint(TileFiles(exchange.local.layout.tiles).read_now("checkpoint"), [log_key])


async def rewrite_and_sign_anew(exchange: TestExchange) -> int:
    """Do what somebody with the database, the guard, the tiles and the log's own key can; return the log's size."""
    key = load_pem_private_key(exchange.local.secrets.signing_key_file("ledger-log").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    database = await asyncpg.connect(exchange.local.admin_url)
    await database.execute("SET session_replication_role = replica")
    position = await position_of(database, "share.recorded")
    leaf = await edited_leaf(database, position)
    await database.execute("UPDATE ledger.entry SET leaf = $2 WHERE position = $1", position, leaf)
    await recompute_everything(database, NoteSigner(exchange.local.options.origin, key))
    size = await database.fetchval("SELECT max(size) FROM ledger.tree_head")
    await database.close()
    exchange.local.guard_file.unlink()
    for path in sorted(exchange.local.layout.tiles.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    return int(size)
