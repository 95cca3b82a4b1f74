"""Approvers sign with keys of their own, away from the exchange: a name typed by somebody else approves nothing."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.signatures.keys import public_key_from_jwk
from tests.machinery.answers import child_ref
from tests.machinery.command_line import Command, command_on
from tests.machinery.exchange import TestExchange, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUND = ("--authority", "uk_gdpr_art_17_1_b", "--reason", "consent_withdrawn", "--by", "p.ellis")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own() -> AsyncIterator[TestExchange]:
    """An exchange of its own: from the first approver's key on it takes no other approvals."""
    async with running_exchange() as exchange:
        yield exchange


@pytest.fixture
def command(own: TestExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``exchange …`` against that exchange; gives its exit code and all that it said."""
    return command_on(own, monkeypatch, capsys)


async def done(command: Command, *arguments: object) -> str:
    """Run a command that must succeed; return what it said."""
    code, said = await command(*arguments)
    assert code == 0, said
    return said


async def refused(command: Command, complaint: str, *arguments: object) -> None:
    code, said = await command(*arguments)
    assert (code, complaint in said) == (1, True), said


async def proposed(own: TestExchange, command: Command, folder: Path) -> tuple[str, Path]:
    """Propose to erase a child; return the proposal's id and the file that its approvers read and sign."""
    async with own.client() as client:
        about = child_ref(await client.share(share()))
    said = await done(command, "erasure", "request", "--child", about, *GROUND)
    match = re.search(r"([0-9a-f]{32}) is proposed", said)
    assert match is not None
    file = folder / f"{match[1]}.json"
    file.write_text(await done(command, "erasure", "show", match[1]))
    assert json.loads(file.read_text())["facts"]["target"]["child"] == about
    return match[1], file


async def test_two_keys_approve_and_names_do_not(own: TestExchange, command: Command, tmp_path: Path) -> None:
    for name in ("harrow", "dunmore", "oake"):
        await done(command, "keygen", tmp_path / f"{name}.pem")
    before, file_before = await proposed(own, command, tmp_path)
    assert "approvals are not signed" in await done(command, "approver", "list")
    for by in ("x.anybody", "y.anybody"):
        await done(command, "erasure", "approve", before, "--by", by)

    public = ("--key", tmp_path / "harrow.jwk", "--by", "p.ellis")
    await done(command, "approver", "add", "q.harrow", *public)
    second = ("approver", "add", "r.dunmore", "--key", tmp_path / "dunmore.jwk", "--by", "p.ellis")
    await refused(command, "0 of 1 approvers have vouched", *second)
    vouching = ("--key", tmp_path / "dunmore.jwk", "--with", tmp_path / "harrow.pem", *await as_of(command))
    word = last_line(await done(command, "approver", "vouch", "r.dunmore", *vouching))
    await refused(command, "not over this", *("approver", "add", "s.vane", *second[3:]), "--vouched", word)
    await done(command, *second, "--vouched", word)
    third = ("approver", "add", "t.oake", "--key", tmp_path / "oake.jwk", "--by", "p.ellis")
    vouching = ("--key", tmp_path / "oake.jwk", "--with", tmp_path / "harrow.pem", *await as_of(command))
    word = last_line(await done(command, "approver", "vouch", "t.oake", *vouching))
    await refused(command, "1 of 2 approvers have vouched", *third, "--vouched", word)
    await refused(command, "an approver vouches twice", *third, "--vouched", word, "--vouched", word)
    listed = await done(command, "approver", "list")
    assert "2 approvers have a key; approvals are signed" in listed
    assert re.search(r"r\.dunmore  since entry [0-9]+, vouched for by q\.harrow", listed)

    # What was approved by name alone before there were keys counts no more.
    assert "missing: 2 signed approvals" in await done(command, "erasure", "list")
    await refused(command, "0 of 2 have approved", "erasure", "carry-out", before, "--by", "p.ellis")
    await refused(command, "approvals are signed here", "erasure", "approve", before, "--by", "q.harrow")
    proposal, file = await proposed(own, command, tmp_path)
    await refused(command, "approvals are signed here", "erasure", "approve", proposal, "--by", "x.anybody")
    said = await done(command, "erasure", "sign", file, "--by", "q.harrow", "--key", tmp_path / "harrow.pem")
    assert "q.harrow approves what p.ellis proposed on 20" in said
    assert "to erase all that is known of child" in said
    signed = last_line(said)
    for by, of in (("r.dunmore", proposal), ("q.harrow", before)):
        await refused(command, "not over this", "erasure", "approve", of, "--by", by, "--signed", signed)
    await done(command, "erasure", "approve", proposal, "--by", "q.harrow", "--signed", signed)
    listed = await done(command, "erasure", "list")
    assert "approved by: q.harrow (signed)" in listed
    assert "missing: 1 signed approval, not by p.ellis or q.harrow" in listed
    said = await done(command, "erasure", "sign", file, "--by", "r.dunmore", "--key", tmp_path / "dunmore.pem")
    await done(command, "erasure", "approve", proposal, "--by", "r.dunmore", "--signed", last_line(said))
    await done(command, "erasure", "carry-out", proposal, "--by", "p.ellis")

    for by, key in (("q.harrow", "harrow.pem"), ("r.dunmore", "dunmore.pem")):
        said = await done(command, "erasure", "sign", file_before, "--by", by, "--key", tmp_path / key)
        await done(command, "erasure", "approve", before, "--by", by, "--signed", last_line(said))
        if by == "q.harrow":
            await refused(command, "1 of 2 have approved", "erasure", "carry-out", before, "--by", "p.ellis")
    await done(command, "erasure", "carry-out", before, "--by", "p.ellis")
    replayed = (await done(command, "audit", "replay", "--type", "erasure.approved")).splitlines()
    approvals = [json.loads(line)["facts"] for line in replayed]
    assert [(each["by"], each.get("signed") is not None) for each in approvals] == [
        ("x.anybody", False),
        ("y.anybody", False),
        *[("q.harrow", True), ("r.dunmore", True)] * 2,
    ]
    report = await own.audit()
    assert report.intact, report.findings


async def test_a_restarted_ledger_still_knows_whose_signatures_count(
    own: TestExchange, command: Command, tmp_path: Path
) -> None:
    await done(command, "keygen", tmp_path / "mallory.pem")
    await own.local.stop_service("ledger")
    await own.local.start_service("ledger")
    proposal, file = await proposed(own, command, tmp_path)
    await refused(command, "approvals are signed here", "erasure", "approve", proposal, "--by", "x.anybody")
    said = await done(command, "erasure", "sign", file, "--by", "q.harrow", "--key", tmp_path / "mallory.pem")
    forged = ("--by", "q.harrow", "--signed", last_line(said))
    await refused(command, "no approver signs with that key", "erasure", "approve", proposal, *forged)
    listed = await done(command, "approver", "list")
    thumbprint = listed.splitlines()[1].split()[0]
    await done(command, "approver", "revoke", thumbprint, "--reason", "lost", "--by", "p.ellis")
    listed = await done(command, "approver", "list")
    assert re.search(r"q\.harrow  since entry [0-9]+, vouched for by nobody, revoked 20", listed)
    await refused(
        command, "no approver signs with a key", "approver", "revoke", thumbprint, "--reason", "lost", "--by", "p.ellis"
    )
    report = await own.audit()
    assert report.intact, report.findings


async def test_where_too_few_are_left_to_vouch_the_ledger_is_started_to_let_a_key_in(
    own: TestExchange, command: Command, tmp_path: Path
) -> None:
    await done(command, "keygen", tmp_path / "oake.pem")
    adding = ("approver", "add", "t.oake", "--key", tmp_path / "oake.jwk", "--by", "p.ellis")
    await refused(command, "0 of 2 approvers have vouched", *adding)
    await refused(command, "not started to let that key in", *adding, "--recovered")
    thumbprint = public_key_from_jwk(json.loads((tmp_path / "oake.jwk").read_text())).thumbprint
    await own.local.stop_service("ledger")
    await own.local.start_service("ledger", {"LEDGER_APPROVER_KEYS_RECOVERED": thumbprint})
    await refused(command, "0 of 2 approvers have vouched", *adding)
    assert thumbprint in await done(command, *adding, "--recovered")
    listed = await done(command, "approver", "list")
    assert re.search(r"t\.oake  since entry [0-9]+, vouched for by nobody, RECOVERED", listed)
    report = await own.audit()
    assert report.intact, report.findings


async def test_only_what_proposes_something_is_signed(own: TestExchange, command: Command, tmp_path: Path) -> None:
    await done(command, "keygen", tmp_path / "harrow.pem")
    other = tmp_path / "other.json"
    other.write_text((await done(command, "audit", "replay", "--type", "ledger.opened")).splitlines()[0])
    signing = ("--by", "q.harrow", "--key", tmp_path / "harrow.pem")
    await refused(command, "that entry proposes nothing", "erasure", "sign", other, *signing)
    other.write_text(other.read_text().replace('"position":0', '"position": 0'))
    await refused(command, "not in canonical form", "erasure", "sign", other, *signing)


async def as_of(command: Command) -> tuple[str, str]:
    """Return what a voucher must know of the approvers whom a key is to join."""
    match = re.search(r"--as-of ([0-9a-f]{64})$", (await done(command, "approver", "list")).strip())
    assert match is not None
    return "--as-of", match[1]


def last_line(said: str) -> str:
    """Return the line that a signing command printed last."""
    return next(line for line in reversed(said.splitlines()) if re.fullmatch(r"[\w-]{43}\.[\w-]{86}", line))
