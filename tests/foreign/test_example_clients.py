"""Clients in other languages, with nothing of ours in them, share a concern and verify the signed answer."""

import asyncio
import json
import secrets
from pathlib import Path

import pytest

from tests.foreign.example_clients import COMMANDS
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import share

pytestmark = [pytest.mark.foreign, pytest.mark.asyncio(loop_scope="session")]


async def run(client: str, exchange: TestExchange, record: Path, key: str) -> tuple[int, str, str]:
    """Run a client; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *COMMANDS[client],
        exchange.local.gateway_url,
        str(exchange.parties.key_file(SCHOOL)),
        str(record),
        key,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode(), complained.decode()


@pytest.mark.parametrize("client", COMMANDS)
async def test_a_share_is_accepted_and_its_answer_verifies(client: str, exchange: TestExchange, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps(share()))
    key = f"example-{secrets.token_hex(8)}"
    code, said, complained = await run(client, exchange, record, key)
    assert code == 0, complained
    answer = json.loads(said)
    assert (answer["status"], answer["verified"]) == (201, True)
    assert answer["id"] in {entry.id for entry in await exchange.entries()}
    again = json.loads((await run(client, exchange, record, key))[1])
    assert again == answer


@pytest.mark.parametrize("client", COMMANDS)
async def test_a_refusal_is_signed_as_well(client: str, exchange: TestExchange, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text("{not json")
    code, said, complained = await run(client, exchange, record, f"example-{secrets.token_hex(8)}")
    assert code == 3, complained
    refusal = json.loads(said)
    assert (refusal["status"], refusal["type"], refusal["verified"]) == (400, "/problems/not-json", True)
    assert refusal["remedy"]
