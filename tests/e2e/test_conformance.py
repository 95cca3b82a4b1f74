"""The exchange meets every MUST of a deployment."""

from pathlib import Path

import pytest

from cli.start import examined_on
from conformance.gateway_musts import examine_gateway
from conformance.musts import Verdict
from shared.signatures.keys import SigningKey
from tests.machinery.exchange import SCHOOL, TestExchange

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_exchange_meets_every_must_of_a_deployment(exchange: TestExchange) -> None:
    verdicts = await examine_gateway(exchange.local.gateway_url, key=exchange.parties.key(SCHOOL))
    assert len(verdicts) == 20
    assert [(each.must.number, each.failure) for each in verdicts if not each.met] == []


async def test_an_exchange_that_is_started_to_be_examined_has_a_log_key_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One key must never sign two logs: with the one named here, which is not even there, this one would not start."""
    monkeypatch.setenv("LEDGER_LOG_KEY_FILE", str(tmp_path / "the-real-log.pem"))
    monkeypatch.setenv("BROKER", "embedded")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    async def examining(base_url: str, *, key: SigningKey) -> list[Verdict]:
        examined.append(base_url)
        return []

    examined: list[str] = []
    assert await examined_on(SCHOOL, examining) == []
    assert len(examined) == 1
