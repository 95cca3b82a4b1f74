"""The command line stops a mistake before it does harm, says what to do, and never shows a traceback."""

import json
import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from client.exchange_client import ExchangeClient
from shared.clock import SystemClock, rfc3339
from shared.signatures.keys import generate_signing_key
from tests.machinery.answers import child_ref
from tests.machinery.command_line import Command
from tests.machinery.exchange import DARLINGTON, SCHOOL, TestExchange
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A share in a file."""
    file = tmp_path / "share.json"
    file.write_text(json.dumps(share()))
    return file


async def test_a_share_is_sent_kept_and_read_back(
    command: Command, exchange: TestExchange, record: Path, tmp_path: Path
) -> None:
    key, kept = exchange.parties.key_file(SCHOOL), tmp_path / "kept"
    code, said = await command("share", record, "--key", key, "--keep", kept)
    assert code == 0, said
    answer = json.loads(kept.read_bytes())
    assert answer["receipt"]["proof"].startswith("c2sp.org/tlog-proof@v1\n")
    code, said = await command("status", answer["id"], "--key", key)
    assert code == 0, said
    assert "notifications" in said


async def test_status_says_which_ledger_serves_and_every_command_finds_it(
    command: Command, exchange: TestExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = f"unix:{exchange.local.sockets}/ledger-operator.sock"
    monkeypatch.setenv("EXCHANGE_LEDGER_ADDRESS", f"unix:/nowhere/ledger.sock,{serving}")
    code, said = await command("status")
    assert code == 0, said
    assert "unix:/nowhere/ledger.sock  not serving: the other process cannot be reached" in said
    assert re.search(rf"{re.escape(serving)}  writing, \d+ entries, serves", said)
    code, said = await command("owed")
    assert code == 0, said
    monkeypatch.setenv("EXCHANGE_LEDGER_ADDRESS", "unix:/nowhere/ledger.sock")
    code, said = await command("status")
    assert code == 1
    assert "no ledger is writing" in said


async def test_evidence_is_never_overwritten_and_nothing_is_sent_that_cannot_be_kept(
    command: Command, exchange: TestExchange, record: Path, tmp_path: Path
) -> None:
    key, before = exchange.parties.key_file(SCHOOL), len(await exchange.entries())
    kept = tmp_path / "kept"
    kept.write_text("what was kept before")
    for keep, complaint in ((kept, "is there already"), (tmp_path / "nowhere" / "kept", "No such file")):
        code, said = await command("share", record, "--key", key, "--keep", keep)
        assert code == 1
        assert complaint in said
    assert kept.read_text() == "what was kept before"
    assert not [each for each in (await exchange.entries())[before:] if each.type == "share.recorded"]


async def test_a_record_for_another_command_is_not_sent(
    command: Command, exchange: TestExchange, tmp_path: Path
) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps(withholding()))
    code, said = await command("share", file, "--key", exchange.parties.key_file(SCHOOL))
    assert code == 1
    assert "exchange withhold" in said


MISTAKES = {
    "an empty idempotency key": (["--idempotency-key", ""], "the idempotency key is empty"),
    "an exchange that is not there": (["--url", "http://127.0.0.1:9"], "cannot be fetched from http://127.0.0.1:9"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_named(command: Command, exchange: TestExchange, record: Path, mistake: str) -> None:
    options, complaint = MISTAKES[mistake]
    code, said = await command("share", record, "--key", exchange.parties.key_file(SCHOOL), *options)
    assert code == 1
    assert complaint in said


async def test_what_is_wrong_with_a_file_is_said_with_its_name(
    command: Command, exchange: TestExchange, record: Path, tmp_path: Path
) -> None:
    broken, public = tmp_path / "broken.json", tmp_path / "my.jwk"
    broken.write_text('{\n  "child": ,\n}')
    public.write_text("{}")
    key = exchange.parties.key_file(SCHOOL)
    for arguments, complaint in (
        ((broken, "--key", key), "broken.json is not JSON in UTF-8: line 2"),
        ((tmp_path / "missing.json", "--key", key), "missing.json: No such file"),
        ((record, "--key", public), "my.jwk is the public key"),
        ((record, "--key", tmp_path), "Is a directory"),
    ):
        code, said = await command("share", *arguments)
        assert code == 1
        assert complaint in said


async def test_a_private_key_is_never_written_over_by_its_public_half(command: Command, tmp_path: Path) -> None:
    code, said = await command("keygen", tmp_path / "mine.jwk")
    assert code == 1
    assert "where the public key goes" in said
    code, said = await command("keygen", tmp_path / "mine.pem")
    assert code == 0, said
    assert b"PRIVATE KEY" in (tmp_path / "mine.pem").read_bytes()


async def test_a_key_stays_with_its_agency(command: Command, exchange: TestExchange) -> None:
    key = exchange.parties.key_file(SCHOOL)
    for agency, complaint in ((DARLINGTON.id, f"signs for {SCHOOL.id}"), ("no-such", "no agency no-such")):
        code, said = await command("agency", "key", "add", agency, "--key", key)
        assert code == 1
        assert complaint in said


async def test_revoking_a_compromised_key_lists_what_it_signed_since(
    command: Command, exchange: TestExchange, tmp_path: Path
) -> None:
    key = generate_signing_key()
    async with exchange.operator() as operator:
        await operator.register_agency("a-clinic", name="Clinic", duty_class="s11_body", home_authority="E06000005")
        await operator.add_key("a-clinic", key.public)
    async with ExchangeClient(exchange.local.gateway_url, key=key) as client:
        before = await client.share(share())
        since = SystemClock().now()
        after = await client.share(share())
    code, said = await command(
        *("agency", "key", "revoke", key.public.thumbprint),
        *("--reason", "compromised", "--compromised-from", rfc3339(since), "--by", "p.ellis"),
    )
    assert code == 0, said
    assert str(after.content["id"]) in said
    assert str(before.content["id"]) not in said
    code, again = await command("agency", "key", "suspects", key.public.thumbprint)
    assert code == 0, again
    assert again in said
    code, listed = await command("agency", "list")
    assert f"revoked, suspect from {rfc3339(since)}" in listed
    code, replayed = await command("audit", "replay", "--type", "agency.key_revoked")
    revoked = next(json.loads(line) for line in replayed.splitlines() if key.public.thumbprint in line)
    assert (code, revoked["facts"]["by"]) == (0, "p.ellis")
    later = rfc3339(since + timedelta(days=1))
    code, said = await command(
        "agency", "key", "revoke", key.public.thumbprint, "--compromised-from", later, "--by", "p.ellis"
    )
    assert code == 1
    assert "has passed" in said


REVOCATIONS_REFUSED: dict[str, tuple[str, ...]] = {
    "a reason that is none of the list": ("stolenn", "compromised, lost, person_left, rotated"),
    "a compromise from nobody knows when": ("compromised", "Give --compromised-from"),
    "a name instead of an account": ("lost", "not an account", "Petra Ellis"),
}


@pytest.mark.parametrize("mistake", REVOCATIONS_REFUSED)
async def test_a_key_is_not_revoked_by_a_slip(command: Command, exchange: TestExchange, mistake: str) -> None:
    reason, complaint, *by = REVOCATIONS_REFUSED[mistake]
    before = len(await exchange.entries())
    thumbprint = exchange.parties.key(SCHOOL).public.thumbprint
    code, said = await command("agency", "key", "revoke", thumbprint, "--reason", reason, "--by", *(by or ["p.ellis"]))
    assert code == 1
    assert complaint in said
    assert not [each for each in (await exchange.entries())[before:] if each.type == "agency.key_revoked"]


async def test_a_queue_item_is_closed_once(
    command: Command, exchange: TestExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with exchange.client() as client:
        answer = await client.share({**share(), "recipients": ["Nowhere-on-Sea"]})
    told = answer.content["told"]
    assert isinstance(told, list)
    item = next(f"{answer.content['id']}-{n}" for n, each in enumerate(told) if "queue" in str(each))
    assert "duty-operator (nobody assigned yet)" in (await command("queue", "list"))[1]
    monkeypatch.setenv("EXCHANGE_QUEUE_OWNER", "night-desk")
    assert "night-desk (nobody assigned yet)" in (await command("queue", "list"))[1]
    code, said = await command("queue", "assign", item, "--owner", "b.carer")
    assert code == 0, said
    code, said = await command("queue", "resolve", item, "--by", "b.carer", "--pass-to", "E06000002")
    assert code == 0, said
    assert "is owed notice" in said
    code, said = await command("queue", "resolve", item, "--by", "b.carer")
    assert code == 1
    assert "was decided" in said


async def test_a_port_in_use_is_said_before_anything_starts(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXCHANGE_HOME", str(tmp_path / "home"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("GATEWAY_PORT", port)
        code, said = await command("run")
    assert code == 1
    assert f"port {port} is in use" in said
    assert not (tmp_path / "home").exists()


async def test_who_has_a_part_in_a_case_finds_the_child_and_reads_its_chronology(
    command: Command, exchange: TestExchange, tmp_path: Path
) -> None:
    who, file = child(), tmp_path / "search.json"
    async with exchange.client() as client:
        about = child_ref(await client.share(share(who)))
    named = {"date_of_birth": who["date_of_birth"], "identifiers": who["identifiers"]}
    file.write_text(json.dumps({"format": "safeguarding-exchange/search/v1", "child": named}))
    key = exchange.parties.key_file(DARLINGTON)
    code, said = await command("search", file, "--key", key)
    assert code == 0, said
    assert about in said
    later = rfc3339(SystemClock().now() + timedelta(minutes=1)).replace("Z", "+00:00")
    code, said = await command("chronology", about, "--key", key, "--as-at", later)
    assert code == 0, said
    assert json.loads(said)["entries"][0]["type"] == "share.recorded"
