"""An exported ledger is checked offline by the program that travels with it, and whatever was changed is named."""

import asyncio
import json
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.ledger.audit.bundle_verifier import Bundle
from services.ledger.audit.export import Wanted, export_bundle
from services.ledger.audit.stored_log import open_stored_log
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint, sign_checkpoint
from shared.transparency.cosignature import CosignatureVerifier, MlDsaCosignatureVerifier
from shared.transparency.merkle import leaf_hash, tree_root
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import parse_bundle
from tests.machinery.answers import child_ref
from tests.machinery.bundles import Exported
from tests.machinery.command_line import Command
from tests.machinery.cosigners import CLASSIC, NAMED, POST_QUANTUM, WITNESS_KEYS, cosignature, cosigned_by_both
from tests.machinery.edits_of_bundles import EDITS, Tampering, edit_a_leaf_and_its_hash
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import share
from tests.machinery.static_log import checkpoint_of
from tests.machinery.stewards import erase

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exported(exchange: TestExchange, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exported]:
    """The session's ledger, exported once."""
    folder = tmp_path_factory.mktemp("exported")
    async with exchange.client(SCHOOL) as client:
        for _ in range(3):
            shared = await client.share(share())
    await exchange.all_signed_for()
    local = exchange.local
    password = local.secrets.role_passwords()["exchange_auditor"]
    with (folder / "original.zip").open("wb") as file:
        async with open_stored_log(local.database_url, user="exchange_auditor", password=password) as stored:
            await export_bundle(stored, file)
    with zipfile.ZipFile(folder / "original.zip") as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    key = load_pem_private_key(local.secrets.signing_key_file("ledger-log").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    yield Exported(members, local.log_verifier_key(), NoteSigner(local.options.origin, key), folder, child_ref(shared))


async def test_an_exported_ledger_is_intact_and_ends_where_the_log_did(exported: Exported) -> None:
    code, said = exported.check(exported.members)
    assert (code, said.intact, said.findings) == (0, True, [])
    assert said.size == read_unverified_checkpoint(exported.members["checkpoint"]).size
    assert said.sections > 0


async def test_the_program_is_short_and_needs_one_library(exported: Exported) -> None:
    text = exported.members["verify.py"].decode()
    assert len(text.splitlines()) < 300
    imported = {
        line.split()[1].split(".")[0] for line in text.splitlines() if line.lstrip().startswith(("import", "from"))
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


async def test_the_members_of_a_bundle_come_in_a_fixed_order(exported: Exported) -> None:
    first = ["manifest.json", "README.txt", "verify.py", "checkpoint", "heads", "cosigned"]
    names = list(exported.members)
    assert names[: len(first)] == first
    assert all(name.startswith(("tile/entries/", "tile/0/", "sections/")) for name in names[len(first) :])


@pytest.mark.parametrize(
    "tampering",
    EDITS,
    ids=lambda tampering: str(tampering.__name__),
)
async def test_what_was_changed_in_a_bundle_is_found_and_named(exported: Exported, tampering: Tampering) -> None:
    members = dict(exported.members)
    kind, position = tampering(exported, members)
    assert members != exported.members
    code, said = await asyncio.to_thread(exported.check, members)
    assert code == 1
    found = [each.kind for each in said.findings if each.first <= position <= each.last]
    assert kind in found, said.findings
    assert min(each.first for each in said.findings) <= position


async def test_a_bundle_without_one_of_its_members_is_not_passed(exported: Exported) -> None:
    for name in ("manifest.json", "checkpoint", "heads", exported.entries()[0]):
        members = {each: data for each, data in exported.members.items() if each != name}
        code, said = await asyncio.to_thread(exported.check, members)
        assert (code, said.intact) == (2, None)
        assert name in said.error


async def test_a_history_rewritten_and_signed_again_passes_until_an_older_checkpoint_is_given(
    exported: Exported,
) -> None:
    """The log's own key can sign another history; only what somebody kept from before contradicts it."""
    members = dict(exported.members)
    edit_a_leaf_and_its_hash(exported, members)
    leaves = [
        leaf_hash(leaf) for each in members if each.startswith("tile/entries/") for leaf in parse_bundle(members[each])
    ]
    forged = Checkpoint(exported.signer.name, TreeSize(len(leaves)), tree_root(leaves))
    note = sign_checkpoint(forged, [exported.signer])
    members |= {"checkpoint": note, "heads": len(note).to_bytes(4) + note}
    code, said = await asyncio.to_thread(exported.check, members)
    assert (code, said.findings) == (0, [])
    kept = exported.folder / "kept"
    kept.write_bytes(exported.members["checkpoint"])
    code, said = await asyncio.to_thread(exported.check, members, "--older", str(kept))
    assert code == 1
    assert [each.kind for each in said.findings] == ["older_checkpoint_contradicted"]


async def test_an_older_checkpoint_of_the_same_history_is_held(exported: Exported) -> None:
    kept = exported.folder / "first"
    kept.write_bytes(exported.members["heads"][4 : 4 + int.from_bytes(exported.members["heads"][:4])])
    code, said = await asyncio.to_thread(exported.check, exported.members, "--older", str(kept))
    assert (code, said.findings) == (0, [])


ML_DSA = "cryptography.hazmat.primitives.asymmetric.mldsa"


async def test_cosignatures_of_both_kinds_are_checked_with_the_witnesses_keys(exported: Exported) -> None:
    members = {**exported.members, "checkpoint": cosigned_by_both(exported.members["checkpoint"])}
    size = read_unverified_checkpoint(members["checkpoint"]).size
    code, said = await asyncio.to_thread(exported.check, members, *WITNESS_KEYS)
    assert (code, said.cosigned_by, said.unchecked) == (0, dict.fromkeys(NAMED, size), [])
    code, said = await asyncio.to_thread(exported.check, members)
    assert (code, said.cosigned_by) == (0, {})


@pytest.mark.parametrize("kind", [CLASSIC, POST_QUANTUM], ids=["Ed25519", "ML-DSA-44"])
async def test_a_cosignature_of_another_checkpoint_does_not_hold(
    exported: Exported, kind: CosignatureVerifier | MlDsaCosignatureVerifier
) -> None:
    foreign = cosignature(checkpoint_of([b"another log"]), by=kind)
    members = {**exported.members, "checkpoint": exported.members["checkpoint"] + foreign}
    code, said = await asyncio.to_thread(exported.check, members, *WITNESS_KEYS)
    assert (code, [each.kind for each in said.findings], set(said.cosigned_by.values())) == (
        1,
        ["bad_cosignature"],
        {0},
    )


async def test_without_ml_dsa_its_cosignatures_are_said_to_be_unchecked_and_count_for_nothing(
    exported: Exported,
) -> None:
    members = {**exported.members, "checkpoint": cosigned_by_both(exported.members["checkpoint"])}
    size = read_unverified_checkpoint(members["checkpoint"]).size
    code, said = await asyncio.to_thread(exported.check, members, *WITNESS_KEYS, lacking=ML_DSA)
    assert (code, said.findings, said.unchecked) == (2, [], [POST_QUANTUM.name])
    assert said.cosigned_by == dict(zip(NAMED, (size, 0), strict=True))


async def test_cosigned_checkpoints_travel_in_the_bundle_and_each_says_how_far_it_reaches(
    exported: Exported, command: Command
) -> None:
    heads = exported.members["heads"]
    first = heads[4 : 4 + int.from_bytes(heads[:4])]
    note, file = exported.folder / "cosigned-first", exported.folder / "with-cosigned.zip"
    note.write_bytes(cosigned_by_both(first))
    code, said = await command("audit", "export", file, "--cosigned", note)
    assert code == 0, said
    code, said = await command("audit", "verify", "--bundle", file, "--log-key", exported.log_key, *WITNESS_KEYS)
    size = read_unverified_checkpoint(first).size
    assert code == 0, said
    assert all(f"Cosigned by {key}: the first {size} entries." in said for key in NAMED)
    assert "ML-DSA" not in said, "there was nothing that could not be checked"
    note.write_bytes(cosigned_by_both(checkpoint_of([b"another log"])))
    code, said = await command("audit", "export", exported.folder / "never.zip", "--cosigned", note)
    assert code == 1
    assert "of another log" in said


async def test_a_bundle_of_one_child_holds_every_entry_and_only_that_childs_sealed_sections(
    exchange: TestExchange, exported: Exported, command: Command
) -> None:
    file = exported.folder / "one-child.zip"
    code, said = await command("audit", "export", file, "--child", exported.child)
    assert code == 0, said
    code, said = await command("audit", "verify", "--bundle", file, "--log-key", exported.log_key)
    assert code == 0, said
    assert "Only 1 chosen child's are in" in said
    assert "INTACT" in said
    whole, one = exported.members, Bundle(file)
    assert sum(len(one.read(name)) for name in one.zip.namelist() if name.startswith("sections/")) < sum(
        len(data) for name, data in whole.items() if name.startswith("sections/")
    )
    code, said = await command("audit", "export", file)
    assert code == 1
    assert "is there already" in said


async def test_a_bundle_holds_opened_content_only_by_break_glass_and_says_so(
    exchange: TestExchange, exported: Exported, command: Command
) -> None:
    file = exported.folder / "opened.zip"
    code, said = await command("audit", "export", file, "--open", "--child", exported.child)
    assert (code, file.exists()) == (1, False)
    size, note = len(await exchange.entries()), ("--note", "Inspection 12, line 4.", "--reason")
    opening = ("audit", "export", file, "--open", "--child", exported.child, *note)
    for refused in (("curiosity", "--by", "p.ellis"), ("inspection",), ("inspection", "--by", "Petra Ellis")):
        code, said = await command(*opening, *refused)
        assert (code, file.exists()) == (1, False)
    assert "not their name" in said
    why = (*note, "inspection", "--by", "p.ellis")
    code, said = await command("audit", "export", file, "--open", "--child", exported.child, *why)
    assert code == 0, said
    assert "OPENED CONTENT" in said
    openings = [each for each in (await exchange.entries())[size:] if each.facts.get("reason") == "inspection"]
    assert {each.facts["by"] for each in openings} == {"p.ellis"}
    with zipfile.ZipFile(file) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    manifest = json.loads(members["manifest.json"])
    opened = [name for name in members if name.startswith("opened/")]
    assert len(openings) == len(opened) == len(manifest["opened"]["sections"]) > 0
    assert manifest["opened"]["reason"] == "inspection"
    assert any(b"linear bruise" in members[name] for name in opened if name.endswith("/body"))
    code, checked = await asyncio.to_thread(exported.check, members)
    assert (code, checked.findings, checked.opened) == (0, [], len(opened))
    body = next(name for name in opened if name.endswith("/body"))
    members[body] = members[body].replace(b"linear bruise", b"small scratch")
    code, checked = await asyncio.to_thread(exported.check, members)
    assert (code, [each.kind for each in checked.findings]) == (1, ["opened_edited"])


async def test_a_child_nobody_knows_is_not_exported_and_a_reason_opens_nothing_by_itself(
    exchange: TestExchange, exported: Exported, command: Command
) -> None:
    file = exported.folder / "nobody.zip"
    why = ("--reason", "inspection", "--note", "Inspection 12, line 4.", "--by", "p.ellis")
    size = len(await exchange.entries())
    for arguments, expected in (
        (("--child", "0" * 32), "nothing was ever recorded about a child"),
        (("--open", "--child", exported.child, "--child", "0" * 32, *why), "nothing was ever recorded about a child"),
        (("--child", exported.child, *why), "Give --open too."),
    ):
        code, said = await command("audit", "export", file, *arguments)
        assert (code, file.exists()) == (1, False), said
        assert expected in said
    openings = [each for each in (await exchange.entries())[size:] if each.facts.get("reason") == "inspection"]
    assert openings == []


async def test_of_an_erased_child_nothing_is_opened_and_the_bundle_says_so(
    exchange: TestExchange, exported: Exported, command: Command
) -> None:
    async with exchange.client(SCHOOL) as client:
        ref = child_ref(await client.share(share()))
    await exchange.all_signed_for()
    await erase(exchange, ref)
    file = exported.folder / "erased.zip"
    why = ("--reason", "inspection", "--note", "Inspection 13, line 5.", "--by", "p.ellis")
    code, said = await command("audit", "export", file, "--open", "--child", ref, *why)
    assert code == 0, said
    assert "Nothing is open: nothing is left" in said
    with zipfile.ZipFile(file) as bundle:
        assert json.loads(bundle.read("manifest.json"))["opened"] is None
    trusting = ("--log-key", exchange.local.log_verifier_key())
    code, said = await command("audit", "verify", "--bundle", file, *trusting)
    assert code == 0, said
    assert "No content is opened here." in said


async def test_the_same_ledger_gives_the_same_bundle(exchange: TestExchange, tmp_path: Path) -> None:
    local = exchange.local
    password = local.secrets.role_passwords()["exchange_auditor"]
    async with open_stored_log(local.database_url, user="exchange_auditor", password=password) as stored:
        for name in ("one", "two"):
            with (tmp_path / name).open("wb") as file:
                await export_bundle(stored, file, wanted=Wanted())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
