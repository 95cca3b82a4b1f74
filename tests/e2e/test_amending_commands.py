"""What is said of an earlier record, and an agency's own keys, from both command lines."""

import asyncio
import json
from pathlib import Path

import pytest

from client.command_line import main as agency_main
from client.files import private_key
from tests.machinery.agencies import new_agency
from tests.machinery.command_line import Command
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"
AMENDMENTS = ("correct", "dispute", "withdraw-consent", "retract")
FILES = {
    "correct": "correction",
    "dispute": "dispute",
    "withdraw-consent": "consent-withdrawal",
    "retract": "retraction",
}


async def test_a_share_is_corrected_disputed_and_taken_back_by_command(
    command: Command, exchange: TestExchange
) -> None:
    async with exchange.client() as client:
        shared = await client.share(share())
    record, key = str(shared.content["id"]), exchange.parties.key_file(SCHOOL)
    for name in AMENDMENTS:
        code, said = await command(name, record, EXAMPLES / f"{FILES[name]}.json", "--key", key)
        assert code == 0, said
        assert "Receipt: verified offline" in said
    async with exchange.client() as client:
        standing = (await client.read_share(record)).content["standing"]
    assert isinstance(standing, dict)
    assert standing["is"] == "retracted"
    assert [len(standing[each]) for each in ("disputed_by", "consent_withdrawn_by")] == [1, 1]
    code, said = await command("retract", record, EXAMPLES / "dispute.json", "--key", key)
    assert code == 1
    assert "exchange dispute" in said
    code, said = await command("retract", "not-an-id", EXAMPLES / "retraction.json", "--key", key)
    assert code == 1
    assert "not an entry id" in said


async def test_an_agency_rotates_its_key_by_command(command: Command, exchange: TestExchange, tmp_path: Path) -> None:
    async with new_agency(
        exchange, "a-commanding-charity", duty_class="voluntary_other", home_authority="E06000005"
    ) as client:
        files = [tmp_path / "first.pem", tmp_path / "second.pem"]
        for file in files:
            await command("keygen", file)
        first, second = (private_key(file) for file in files)
        await client.add_key(first)
    code, said = await command("rotate-key", files[1], "--key", files[0], "--valid-until", "2126-01-01T00:00:00Z")
    assert code == 0, said
    code, said = await command("revoke-key", first.public.thumbprint, "--key", files[1])
    assert code == 0, said
    code, said = await command("registration", "--key", files[1])
    assert code == 0, said
    keys = {each["key"]: each["may_sign"] for each in json.loads(said)["keys"]}
    assert (keys[first.public.thumbprint], keys[second.public.thumbprint]) == (False, True)


async def test_the_clients_own_command_line_does_the_same(
    exchange: TestExchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, key = exchange.local.gateway_url, str(exchange.parties.key_file(SCHOOL))

    async def run(*arguments: str) -> str:
        code = await asyncio.to_thread(agency_main, [*arguments, "--url", url, "--key", key])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    async with exchange.client() as client:
        shared = await client.share(share())
    said = await run("retract", str(shared.content["id"]), str(EXAMPLES / "retraction.json"))
    assert "Receipt: verified offline" in said
    new = tmp_path / "new.pem"
    assert await asyncio.to_thread(agency_main, ["keygen", str(new)]) == 0
    capsys.readouterr()
    added = json.loads(await run("rotate-key", str(new)))["key"]
    assert json.loads(await run("revoke-key", f"--thumbprint={added}"))["key"] == added
    keys = {each["key"]: each["may_sign"] for each in json.loads(await run("registration"))["keys"]}
    assert keys[added] is False
