"""The command line, run inside the tests' own process against the session's exchange."""

import asyncio

import pytest

from cli.main import main
from tests.machinery.command_line import Command
from tests.machinery.exchange import TestExchange


@pytest.fixture
def command(exchange: TestExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``exchange …`` against the session's exchange; gives its exit code and all that it said."""
    monkeypatch.setenv("EXCHANGE_HOME", str(exchange.local.layout.home))

    async def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["exchange", *map(str, arguments)])
        try:
            await asyncio.to_thread(main)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        said = capsys.readouterr()
        return code, said.out + said.err

    return run
