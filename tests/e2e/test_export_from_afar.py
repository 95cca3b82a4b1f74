"""An auditor far away makes a bundle of what a gateway gives, opens content by break-glass, and sees who has looked."""

import asyncio
import json
import zipfile
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.audit.bundle_verifier import Bundle
from shared.clock import SystemClock, rfc3339
from shared.identifiers import ChildRef
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import NoteSigner
from tests.machinery.answers import child_ref
from tests.machinery.auditors import FarAuditor, register_auditor
from tests.machinery.bundles import Exported
from tests.machinery.command_line import Command
from tests.machinery.exchange import SCHOOL, TestExchange, patiently
from tests.machinery.people import share
from tests.machinery.stewards import erase

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRANGER = NoteSigner("log.example/stranger", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
"""Who signs nothing here."""

WHY = ("--reason", "subject_access", "--note", "Request 21, letter 3.")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auditor(exchange: TestExchange, tmp_path_factory: pytest.TempPathFactory) -> FarAuditor:
    return await register_auditor(exchange, "an-exporting-auditor", tmp_path_factory.mktemp("auditor"))


async def published_share(exchange: TestExchange, auditor: FarAuditor) -> ChildRef:
    """Return a child of whom something was shared, once that is published."""
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
    await exchange.all_signed_for()
    async with auditor.client() as asking:

        async def published() -> bool | None:
            note = (await asking.get("/v1/audit/checkpoint")).body
            return read_unverified_checkpoint(note).size > int(str(shared.content["position"])) or None

        assert await patiently(published), "what is recorded is never published"
    return child_ref(shared)


async def test_a_bundle_from_a_gateway_is_checked_by_the_program_inside_it(
    exchange: TestExchange, auditor: FarAuditor, command: Command, tmp_path: Path
) -> None:
    child = await published_share(exchange, auditor)
    file, log_key = tmp_path / "afar.zip", exchange.local.log_verifier_key()
    code, said = await command("audit", "export", file, *auditor.options())
    assert code == 0, said
    assert "Nothing is open.\nNo sealed section is in it: a gateway gives none." in said
    code, said = await command("audit", "verify", "--bundle", file, "--log-key", log_key)
    assert code == 0, said
    assert "INTACT" in said
    members = members_of(file)
    exported = Exported(members, log_key, STRANGER, tmp_path, child)
    code, checked = await asyncio.to_thread(exported.check, members)
    assert (code, checked.findings, checked.sections) == (0, [], 0)
    assert checked.size == read_unverified_checkpoint(members["checkpoint"]).size
    assert json.loads(members["manifest.json"])["children"] == []
    assert checked.not_included > 0


async def test_content_opened_from_afar_stands_in_the_bundle_as_it_was_committed_to_and_on_the_record(
    exchange: TestExchange, auditor: FarAuditor, command: Command, tmp_path: Path
) -> None:
    child = await published_share(exchange, auditor)
    begun, file = rfc3339(SystemClock().now()), tmp_path / "opened.zip"
    code, said = await command("audit", "export", file, "--open", "--child", child, *WHY, *auditor.options())
    assert code == 0, said
    assert "OPENED CONTENT" in said
    members, log_key = members_of(file), exchange.local.log_verifier_key()
    opened = [name for name in members if name.startswith("opened/")]
    assert any(b"linear bruise" in members[name] for name in opened if name.endswith("/body"))
    assert json.loads(members["manifest.json"])["opened"]["reason"] == "subject_access"
    code, said = await command("audit", "verify", "--bundle", file, "--log-key", log_key)
    assert code == 0, said
    assert "OPENED CONTENT is in this bundle, because: subject_access." in said
    exported = Exported(members, log_key, STRANGER, tmp_path, child)
    code, checked = await asyncio.to_thread(exported.check, members)
    assert (code, checked.opened, checked.bodies > 0) == (0, len(opened), True)
    body = next(name for name in opened if name.endswith("/body"))
    edited = {**members, body: members[body].replace(b"linear bruise", b"small scratch")}
    code, checked = await asyncio.to_thread(exported.check, edited)
    assert "opened_edited" in [each.kind for each in checked.findings]

    asked = ("audit", "openings", "--child", child, "--since", begun)
    beside, afar = await command(*asked, "--json"), await command(*asked, "--json", *auditor.options())
    assert (beside[0], afar) == (0, beside)
    openings = [orjson.loads(line) for line in afar[1].splitlines()]
    assert {(each["by"], each["reason"], *each["children"]) for each in openings} == {
        (auditor.agency, "subject_access", child)
    }
    assert len(openings) == len(opened)
    code, said = await command(*asked, *auditor.options())
    assert code == 0, said
    assert f": Tees partnership opened the body of {openings[0]['entries'][0]} about child {child} (break-gl" in said
    assert f"{len(openings)} looks on the record." in said
    assert "Request 21" not in said


async def test_the_openings_tell_of_deliveries_and_of_whoever_read_or_searched(
    exchange: TestExchange, auditor: FarAuditor, command: Command
) -> None:
    begun = rfc3339(SystemClock().now())
    child = await published_share(exchange, auditor)
    async with exchange.client(SCHOOL) as client:
        await client.get(f"/v1/children/{child}/chronology")
    code, said = await command("audit", "openings", "--since", begun, "--child", child, *auditor.options())
    assert code == 0, said
    assert "the notifier opened the body of " in said
    assert " for Darlington children's social care (deliver:" in said
    assert "St Hilda's Primary, Darlington opened the body of " in said
    assert "(chronology)" in said
    code, said = await command("audit", "openings", "--since", "2126-01-01T00:00:00Z", *auditor.options())
    assert (code, said) == (0, "Nobody has looked.\n")
    code, said = await command("audit", "openings", "--child", "9990000018")
    assert (code, "not a child reference" in said) == (1, True)


async def test_of_an_erased_child_nothing_is_opened_from_afar(
    exchange: TestExchange, auditor: FarAuditor, command: Command, tmp_path: Path
) -> None:
    child = await published_share(exchange, auditor)
    await erase(exchange, child)
    file = tmp_path / "erased.zip"
    code, said = await command("audit", "export", file, "--open", "--child", child, *WHY, *auditor.options())
    assert code == 0, said
    assert "Nothing is open: nothing is left" in said
    assert Bundle(file).opened is None


async def test_what_a_gateway_cannot_give_is_refused_and_leaves_no_file(
    exchange: TestExchange, auditor: FarAuditor, command: Command, tmp_path: Path
) -> None:
    child = await published_share(exchange, auditor)
    file, size = tmp_path / "never.zip", len(await exchange.entries())
    for options, expected in (
        (("--child", child), "a gateway gives nothing that is sealed"),
        (("--open", "--child", child, *WHY, "--by", "p.ellis"), "Leave --by out"),
        (("--open", "--child", child), "Give --child, --reason, --note."),
        (("--open", "--child", "0" * 32, "--child", child, *WHY), "nothing was ever recorded about a child"),
        (("--open", "--child", child, "--reason", "curiosity", "--note", "x"), "Use one of: practice_review"),
        (("--password-file", tmp_path / "password"), "name different ledgers"),
    ):
        code, said = await command("audit", "export", file, *options, *auditor.options())
        assert (code, expected in said, file.exists()) == (1, True, False), said
    school = ("--url", auditor.url, "--key", exchange.parties.key_file(SCHOOL))
    code, said = await command("audit", "export", file, *school)
    assert (code, file.exists()) == (1, False), said
    assert "not registered as an auditor" in said
    assert [
        each.type for each in (await exchange.entries())[size:] if each.facts.get("reason") == "subject_access"
    ] == []


def members_of(file: Path) -> dict[str, bytes]:
    """Return what a bundle holds."""
    with zipfile.ZipFile(file) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}
