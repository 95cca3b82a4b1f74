"""A client in another language, with nothing of ours in it, shares a concern and verifies the signed answer."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import share

pytestmark = [pytest.mark.foreign, pytest.mark.asyncio(loop_scope="session")]

CLIENT = Path(__file__).parent / "node" / "share.mjs"


async def node(exchange: TestExchange, record: Path, key: str) -> tuple[int, str, str]:
    """Run the client; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(CLIENT),
        exchange.local.gateway_url,
        str(exchange.parties.key_file(SCHOOL)),
        str(record),
        key,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode(), complained.decode()


async def test_a_share_from_node_is_accepted_and_its_answer_verifies(exchange: TestExchange, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps(share()))
    code, said, complained = await node(exchange, record, "from-node")
    assert code == 0, complained
    answer = json.loads(said)
    assert (answer["status"], answer["verified"]) == (201, True)
    assert answer["id"] in {entry.id for entry in await exchange.entries()}
    again = json.loads((await node(exchange, record, "from-node"))[1])
    assert again == answer


async def test_a_refusal_to_node_is_signed_as_well(exchange: TestExchange, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text("{not json")
    code, said, complained = await node(exchange, record, "from-node-refused")
    assert code == 0, complained
    assert json.loads(said)["status"] == 400
