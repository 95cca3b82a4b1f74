"""``exchange sandbox`` has a witness beside it when it is asked for one, as ``exchange run`` does."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from cli.start import run_sandbox
from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import layout_of_its_own
from deploy.local.loopback_port import free_port
from deploy.local.witness import NAME
from tests.machinery.exchange import patiently

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_sandbox_asked_for_a_witness_publishes_what_it_cosigned(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = layout_of_its_own("exchange-sandbox-")
    for name in [each for each in os.environ if each in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS")]:
        monkeypatch.delenv(name)
    for name, value in {
        "BROKER": "embedded",
        "EXCHANGE_HOME": str(layout.home),
        "EXCHANGE_WITNESS": "1",
        "GATEWAY_PORT": str(free_port(in_a_row=20)),
    }.items():
        monkeypatch.setenv(name, value)
    sandbox = asyncio.create_task(run_sandbox())
    try:
        assert await patiently(lambda: cosigned(layout.tiles / "checkpoint", sandbox)), "no witness cosigned"
    finally:
        sandbox.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sandbox
        LocalExchange(layout, announce=lambda _text: None, options=Options()).destroy()


async def cosigned(checkpoint: Path, sandbox: asyncio.Task[int]) -> bool | None:
    """Return once the published checkpoint bears the witness's line. Raises what ended the sandbox."""
    if sandbox.done():
        sandbox.result()
    return (checkpoint.exists() and f"— {NAME} " in checkpoint.read_text("utf-8")) or None
