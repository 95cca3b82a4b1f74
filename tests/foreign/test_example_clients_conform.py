"""The example clients meet every MUST of a client, sign their target as they send it, and say how they are called."""

import json
import subprocess
from pathlib import Path

import pytest

from conformance.answering_server import AGENCY, serving, sign_answer
from conformance.client_musts import RECORD, ClientCommand, examine_client
from tests.foreign.example_clients import COMMANDS, KNOWS_ECDSA

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("client", COMMANDS)
@pytest.mark.asyncio(loop_scope="session")
async def test_an_example_meets_every_must_of_a_client(client: str) -> None:
    command = ClientCommand((*COMMANDS[client], "{url}", "{key}", "{record}", "{idempotency_key}"))
    verdicts = await examine_client(command, without=frozenset() if client in KNOWS_ECDSA else frozenset({"C-07"}))
    assert len(verdicts) > 15
    assert [(each.must.number, each.failure) for each in verdicts if not each.met] == []


@pytest.mark.parametrize("client", COMMANDS)
@pytest.mark.parametrize("target", ["/v1/shares?", "/v1/sh%61res?a=%2f&b=?", "/v1//shares/../x?q"])
def test_it_signs_the_target_exactly_as_it_sends_it(client: str, target: str, tmp_path: Path) -> None:
    key, record = tmp_path / "key.pem", tmp_path / "record.json"
    key.write_bytes(AGENCY.pem())
    record.write_bytes(RECORD)
    with serving(sign_answer) as served:
        code, said, complained = run(client, "--path", target, served.url, key, record, "once-only")
    assert (code, complained, served.faults) == (0, "", [])
    assert len(served.requests) == 1
    assert json.loads(said)["verified"] is True


@pytest.mark.parametrize("client", COMMANDS)
def test_it_says_how_it_is_called_when_it_is_called_wrongly(client: str) -> None:
    code, said, complained = run(client, "http://127.0.0.1:1")
    assert (code, said) == (2, "")
    assert "usage" in json.loads(complained)["reason"]


def run(client: str, *arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run([*COMMANDS[client], *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr
