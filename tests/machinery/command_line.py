"""The command line, run inside the tests' own process against one exchange."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from cli.main import main
from tests.machinery.exchange import TestExchange

Command: TypeAlias = Callable[..., Awaitable[tuple[int, str]]]
"""Takes the arguments after ``exchange``; gives the exit code and all that was said."""


def command_in(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs ``exchange …`` for the installation in a folder, if there is one."""
    monkeypatch.setenv("EXCHANGE_HOME", str(home))

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


def command_on(exchange: TestExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs ``exchange …`` against an exchange."""
    return command_in(exchange.local.layout.home, monkeypatch, capsys)
