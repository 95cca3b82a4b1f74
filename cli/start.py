"""``exchange run`` and ``exchange demo``: everything up on this machine, and the story played through it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import typer

from cli.operator import Operator
from cli.parties import EVERYBODY, Parties, Party
from cli.story import Story
from conformance.musts import Verdict
from deploy.local.exchange import DEFAULT_PORT, LocalExchange, Options
from deploy.local.layout import Layout, environment_of_its_own, layout_of_its_own
from deploy.local.loopback_port import check_free, free_port
from deploy.local.sandbox import SANDBOX_PORT, sandbox_settings
from deploy.local.supervisor import signals_as_event
from deploy.local.upkeep import kept_up
from deploy.local.witness import LocalWitness, policy_file_of
from shared.clock import SystemClock
from shared.errors import ExchangeError
from shared.reference.authorities import load_register
from shared.signatures.keys import SigningKey


async def run_here() -> int:
    """Run the exchange of this folder until Ctrl-C; on an empty ledger, play the story first."""
    layout = Layout.from_environment()
    port = int(os.environ.get("GATEWAY_PORT", DEFAULT_PORT))
    check_free(port)
    exchange, witness = _here(layout, port=port)
    async with signals_as_event() as asked_to_end:
        working = asyncio.create_task(_run(exchange, witness, first_port=port + 1, stay=asked_to_end))
        ending = asyncio.create_task(asked_to_end.wait())
        await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            _say("\nstopping …")
            working.cancel()
        ending.cancel()
        await asyncio.wait([working])
        if working.cancelled():
            return 0
        return working.result()


class Examining(Protocol):
    """Examines a deployment from outside, with a key that is registered there."""

    async def __call__(self, base_url: str, *, key: SigningKey) -> list[Verdict]:
        """Return what became of each MUST."""
        ...


async def examined_on(party: Party, examining: Examining) -> list[Verdict]:
    """Return what an examination finds at an exchange in a folder of its own, which is taken down afterwards."""
    exchange = passing_exchange("exchange-examined-")
    try:
        async with exchange:
            parties = await _welcome(exchange, first_port=0)
            await _register(exchange, parties)
            return await examining(exchange.gateway_url, key=parties.key(party))
    finally:
        exchange.destroy()


async def run_sandbox() -> int:
    """Run a sandbox in ``.sandbox`` (or EXCHANGE_HOME) until Ctrl-C."""
    layout = Layout.from_environment({"EXCHANGE_HOME": os.environ.get("EXCHANGE_HOME") or ".sandbox"})
    port = int(os.environ.get("GATEWAY_PORT", SANDBOX_PORT))
    check_free(port)
    exchange, witness = _here(layout, port=port, settings=sandbox_settings(layout))
    async with signals_as_event() as asked_to_end, _up(exchange, witness):
        await _register(exchange, await _welcome(exchange, first_port=port + 1))
        _say(
            f"\nThe sandbox is up at {exchange.gateway_url}: test numbers only, and nobody acts on what is posted."
            f"\nIts invented agencies' keys are in {exchange.layout.secrets}; to add your own, in another terminal:"
            f"\n  EXCHANGE_HOME={layout.home} .venv/bin/exchange agency add …"
            f"\nPOST /sandbox/explain-signature says which byte of a signature is wrong; docs/sandbox.md has the rest."
        )
        await asked_to_end.wait()
    return 0


def _here(
    layout: Layout, *, port: int, settings: Mapping[str, str] | None = None
) -> tuple[LocalExchange, LocalWitness | None]:
    """Return the exchange of a folder, and a witness beside it when EXCHANGE_WITNESS asks for one."""
    if os.environ.get("EXCHANGE_WITNESS", "") in ("", "0"):
        return LocalExchange(layout, announce=_say, options=Options(port=port, settings=settings)), None
    settings = {**(settings or {}), "LEDGER_WITNESS_POLICY_FILE": str(policy_file_of(layout))}
    exchange = LocalExchange(layout, announce=_say, options=Options(port=port, settings=settings))
    return exchange, LocalWitness(exchange)


@asynccontextmanager
async def _up(exchange: LocalExchange, witness: LocalWitness | None) -> AsyncIterator[None]:
    """Have an exchange up, its witness beside it and its database kept up, until the block is left."""
    if witness is not None:
        witness.prepare()
    async with exchange, kept_up(exchange.postgres, announce=_say):
        if witness is not None:
            await witness.start()
        yield


def passing_exchange(prefix: str) -> LocalExchange:
    """Return an exchange in a folder of its own, with keys of its own: one key must never sign two logs."""
    return LocalExchange(
        layout_of_its_own(prefix),
        announce=_say,
        environment=environment_of_its_own(),
        options=Options(port=free_port()),
    )


async def demonstrate() -> int:
    """Run an exchange in a folder of its own, play the story, take everything down; 0 when all of it happened."""
    exchange = passing_exchange("exchange-demo-")
    try:
        async with signals_as_event() as asked_to_end:
            working = asyncio.create_task(_demonstrate(exchange))
            ending = asyncio.create_task(asked_to_end.wait())
            await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
            working.cancel()
            ending.cancel()
            await asyncio.wait([working])
            return 1 if working.cancelled() else working.result()
    finally:
        exchange.destroy()


async def _run(exchange: LocalExchange, witness: LocalWitness | None, *, first_port: int, stay: asyncio.Event) -> int:
    async with _up(exchange, witness):
        parties = await _welcome(exchange, first_port=first_port)
        head = await _size(exchange)
        await _register(exchange, parties)
        if head == 1:
            await Story(exchange, parties, _say).play()
        else:
            _say(f"the ledger holds {head} entries from before; the story is played on an empty one only")
        _say(
            f"\nThe exchange is up. Agencies post to {exchange.gateway_url}; its documentation is at /docs there."
            f"\nTry, in another terminal:  .venv/bin/exchange owed   .venv/bin/exchange audit verify"
            f"\nThe signed checkpoint with its tiles, for outside verifiers, is in {exchange.layout.tiles}."
            f"\nLogs are in {exchange.layout.logs}. Ctrl-C stops everything; the data stays in {exchange.layout.home}."
        )
        await stay.wait()
    return 0


async def _demonstrate(exchange: LocalExchange) -> int:
    try:
        async with exchange:
            parties = await _welcome(exchange, first_port=0)
            await _register(exchange, parties)
            await Story(exchange, parties, _say).play()
    except ExchangeError as error:
        _say(f"\nFAILED: {error.detail}")
        for log_file in sorted(exchange.layout.logs.glob("*.log")):
            _say(f"--- {log_file.name}: " + log_file.read_text("utf-8", "replace")[-1500:])
        return 1
    _say("\nThe story happened as it should.")
    return 0


async def _welcome(exchange: LocalExchange, *, first_port: int) -> Parties:
    parties = Parties(exchange, first_port=first_port or free_port(in_a_row=len(EVERYBODY)), clock=SystemClock())
    await parties.start_receivers()
    return parties


async def _register(exchange: LocalExchange, parties: Parties) -> None:
    ledger = exchange.ledger_client()
    try:
        await parties.register(Operator(ledger, register=load_register(), clock=SystemClock()))
    finally:
        await ledger.close()


async def _size(exchange: LocalExchange) -> int:
    ledger = exchange.ledger_client()
    try:
        return (await ledger.tree_head()).size
    finally:
        await ledger.close()


def _say(text: str) -> None:
    typer.echo(text)
