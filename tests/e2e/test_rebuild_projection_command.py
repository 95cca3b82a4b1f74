"""``exchange rebuild-projection`` finds the database that runs here, and says which of its ways in is wrong."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.machinery.command_line import Command
from tests.machinery.exchange import TestExchange

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_table_of_the_exchange_running_here_is_rebuilt_without_its_url(
    exchange: TestExchange, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchange.local.layout.superuser_password_file.exists():
        monkeypatch.setenv("DATABASE_URL", exchange.local.admin_url)
    else:
        monkeypatch.delenv("DATABASE_URL", raising=False)
    code, said = await command("rebuild-projection", "obligation")
    assert code == 0, said
    assert said.startswith("obligation was rebuilt from the log: ")
    assert (await exchange.audit()).intact
    code, said = await command("rebuild-projection", "answer")
    assert (code, "Use: child_entry, obligation, obligation_step" in said) == (1, True)


async def test_what_is_wrong_with_the_way_in_is_said(exchange: TestExchange, command: Command, tmp_path: Path) -> None:
    right = make_url(exchange.local.admin_url)
    auditor = right.set(
        username="exchange_auditor", password=exchange.local.secrets.role_passwords()["exchange_auditor"]
    )
    for url, expected in (
        (right.set(password="x1y2z3").render_as_string(hide_password=False), "refuses that role or its password"),
        (right.set(database="nowhere").render_as_string(hide_password=False), "no database of that name"),
        (auditor.render_as_string(hide_password=False), "does not own the ledger's tables"),
        ("postgresql://role:x1y2z3@host:port/exchange", "URL cannot be read"),
        ("x1y2z3", "URL cannot be read"),
        ("postgresql://role:x1y2z3@127.0.0.1:1/exchange", "does not answer"),
    ):
        code, said = await command("rebuild-projection", "obligation", "--database-url", url)
        assert code == 1, said
        assert expected in said
        assert "x1y2z3" not in said
    password = tmp_path / "password"
    password.write_text("x1y2z3")
    password.chmod(0o600)
    code, said = await command("audit", "export", tmp_path / "bundle.zip", "--password-file", password)
    assert (code, "refuses that role or its password" in said) == (1, True), said
