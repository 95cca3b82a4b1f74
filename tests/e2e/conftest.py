"""What tests of the whole share."""

import pytest

from tests.machinery.command_line import Command, command_on
from tests.machinery.exchange import TestExchange


@pytest.fixture
def command(exchange: TestExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``exchange …`` against the session's exchange; gives its exit code and all that it said."""
    return command_on(exchange, monkeypatch, capsys)
