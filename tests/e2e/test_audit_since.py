"""An auditor who kept a checkpoint checks only what is new, and finds out if the log no longer holds it."""

from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint, sign_checkpoint
from shared.transparency.signed_note import NoteSigner
from tests.machinery.command_line import Command
from tests.machinery.cosigners import CLASSIC, cosignature
from tests.machinery.exchange import SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_only_what_came_after_a_kept_checkpoint_is_read(
    exchange: TestExchange, command: Command, tmp_path: Path
) -> None:
    who, kept = child(), tmp_path / "kept"
    async with exchange.client(SCHOOL) as client:
        await client.share(share(who))
        await exchange.all_signed_for()
        async with exchange.ledger("auditor") as ledger:
            kept.write_bytes((await ledger.tree_head()).checkpoint)
        before = read_unverified_checkpoint(kept.read_bytes())
        await client.share(share(who))
    await exchange.all_signed_for()
    code, said = await command("audit", "verify", "--since", kept, "--json")
    assert code == 0, said
    report = orjson.loads(said)
    assert (report["since"], report["findings"]) == (before.size, [])
    assert report["size"] > before.size
    whole = orjson.loads((await command("audit", "verify", "--json"))[1])
    assert 0 < report["sections"] < whole["sections"]
    assert 0 < report["heads"] < whole["heads"]
    code, said = await command("audit", "verify", "--since", kept)
    assert f"Of the first {before.size} entries only the root was compared" in said


async def test_a_log_that_does_not_hold_the_kept_checkpoint_is_found_out(
    exchange: TestExchange, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = load_pem_private_key(exchange.local.secrets.signing_key_file("ledger-log").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    async with exchange.ledger("auditor") as ledger:
        latest = read_unverified_checkpoint((await ledger.tree_head()).checkpoint)
    forged = Checkpoint(latest.origin, latest.size, bytes(32))
    (tmp_path / "forged").write_bytes(sign_checkpoint(forged, [NoteSigner(latest.origin, key)]))
    code, said = await command("audit", "verify", "--since", tmp_path / "forged")
    assert code == 1
    assert "older_checkpoint_contradicted" in said
    # That the ledger then opens no signature takes nothing back, and alone it is no finding.
    monkeypatch.setenv("EXCHANGE_LEDGER_ADDRESS", f"unix:{tmp_path}/nobody.sock")
    for kept, expected in ((("--checkpoint", tmp_path / "forged"), 1), ((), 2)):
        code, said = await command("audit", "verify", "--signatures", *kept)
        assert (code, "signatures COULD NOT BE CHECKED" in said) == (expected, True), said
        assert ("older_checkpoint_contradicted" in said) == (expected == 1)


async def test_what_this_machine_remembers_is_told_apart_from_what_the_auditor_kept(
    exchange: TestExchange, command: Command, tmp_path: Path
) -> None:
    await exchange.all_signed_for()
    code, said = await command("audit", "verify")
    assert code == 0, said
    assert f"{exchange.local.log_verifier_key()}, this machine's own: that proves nothing" in said
    assert "No checkpoint of yours was given" in said
    assert "Held against what this machine itself remembers: of " in said
    async with exchange.ledger("auditor") as ledger:
        (tmp_path / "kept").write_bytes((await ledger.tree_head()).checkpoint)
    size = read_unverified_checkpoint((tmp_path / "kept").read_bytes()).size
    code, said = await command("audit", "verify", "--checkpoint", tmp_path / "kept", "--json")
    report = orjson.loads(said)
    assert (code, report["log_key"]["from"], report["held_against"]["yours"]) == (0, "this machine", [size])
    assert report["held_against"]["this_machine"]


async def test_a_witness_is_looked_for_on_the_published_checkpoint_as_the_database_holds_no_cosignatures(
    exchange: TestExchange, command: Command
) -> None:
    await exchange.all_signed_for()
    file = exchange.local.layout.tiles / "checkpoint"

    async def all_published() -> bytes | None:
        async with exchange.ledger("auditor") as ledger:
            newest = read_unverified_checkpoint((await ledger.tree_head()).checkpoint)
        note = file.read_bytes()
        return note if read_unverified_checkpoint(note) == newest else None

    note = await patiently(all_published)
    assert note is not None
    asked = ("audit", "verify", "--witness-key", CLASSIC.verifier_key())
    code, said = await command(*asked)
    assert (code, f"NOT COSIGNED by {CLASSIC.name}" in said) == (2, True), said
    file.write_bytes(note + cosignature(note, by=CLASSIC))
    try:
        code, said = await command(*asked)
    finally:
        file.write_bytes(note)
    size = read_unverified_checkpoint(note).size
    assert (code, f"Cosigned by {CLASSIC.name}+{CLASSIC.key_id.hex()}: the first {size} entries." in said) == (0, True)
