"""Schemathesis, with every check on, holds the running gateway to its own OpenAPI document."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from shared.signatures.keys import generate_signing_key
from shared.vocabulary import AgencyRole
from tests.machinery.exchange import DARLINGTON, TestExchange
from tests.machinery.signed_requests import AGENCY, KEY_FILE

HERE = Path(__file__).parent
TESTER = "conformance-tester"


@pytest.mark.timeout(900)
@pytest.mark.asyncio(loop_scope="session")
async def test_the_gateway_does_what_its_document_says_and_nothing_else(exchange: TestExchange, tmp_path: Path) -> None:
    key = generate_signing_key()
    (tmp_path / "key.pem").write_bytes(key.pem())
    async with exchange.operator() as operator:
        # An auditor as well: every operation is open to it.
        await operator.register_agency(
            TESTER,
            name="Conformance tester",
            duty_class="s11_body",
            home_authority=DARLINGTON.home_authority,
            agreement="an-agreement",
            policy_document="a-policy",
            roles=(AgencyRole.AUDITOR.value,),
        )
        await operator.add_key(TESTER, key.public)
    running = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("st"),
        *("--config-file", HERE / "schemathesis.toml"),
        *("run", f"{exchange.local.gateway_url}/openapi.json", "--checks", "all", "--no-color"),
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(HERE / "signing.py"),
            "PYTHONPATH": str(HERE.parent.parent),
            KEY_FILE: str(tmp_path / "key.pem"),
            AGENCY: TESTER,
        },
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    assert running.returncode == 0, said.decode()
    assert "Stateful" in said.decode()
