"""An exchange in a folder of its own signs with its own keys, whatever the environment says of another's."""

from pathlib import Path

import pytest

from cli.start import passing_exchange
from shared.process.settings import ALL_SETTINGS
from shared.vocabulary import EntryType
from tests.machinery.command_line import Command, command_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_demo_reads_no_setting_of_the_exchange_that_runs_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ALL_SETTINGS:
        for name in kind.model_fields:
            monkeypatch.setenv(f"{kind.model_config['env_prefix']}{name.upper()}", str(tmp_path / "another exchange's"))
    monkeypatch.setenv("BROKER", "embedded")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    exchange = passing_exchange("exchange-test-demo-")
    try:
        async with exchange:
            command: Command = command_in(exchange.layout.home, monkeypatch, capsys)
            code, said = await command("audit", "verify", "--log-key", exchange.log_verifier_key())
            assert code == 0, said
            ledger = exchange.ledger_client()
            types = [entry.type async for entry in ledger.stream(after=-1)]
            await ledger.close()
            assert types == [EntryType.LEDGER_OPENED], "a key was added that is another log's"
    finally:
        exchange.destroy()
