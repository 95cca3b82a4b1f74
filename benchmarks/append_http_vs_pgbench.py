"""Appends a second through the ledger's own door, from another process, beside pgbench's single-row inserts."""

import asyncio
import time
from collections.abc import Iterator

from benchmarks.appends import registrations, shares
from benchmarks.bench_ledger import PRODUCERS
from benchmarks.measure import Measured, in_turns
from benchmarks.pgbench import fastest_pgbench
from cli.audit import audit_ledger
from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import environment_of_its_own, layout_of_its_own
from deploy.local.loopback_port import free_port
from deploy.local.postgres import EmbeddedPostgres
from shared.ledger.client import LedgerClient
from shared.ledger.messages import AppendRequest


async def measure(*, rounds: int, appends: int, inserts: int) -> Measured:
    """Return the comparison: the real ledger process, its Unix socket, MessagePack; the log verifies afterwards."""
    exchange = LocalExchange(
        layout_of_its_own("exchange-bench-"),
        announce=lambda _text: None,
        environment=environment_of_its_own(),
        options=Options(port=free_port()),
    )
    try:
        async with exchange:
            # Relaying to them and pushing is other processes' work, on the same cores.
            for name in ("gateway", "notifier"):
                await exchange.stop_service(name)
            await _register(exchange)
            ledger = exchange.ledger_client("gateway")
            server = _server(exchange)
            peer = await fastest_pgbench(server, folder=exchange.layout.home, inserts=inserts // 2)
            await _rate(ledger, appends)
            measured = await in_turns(
                "append_http_vs_pgbench",
                unit="appends/s",
                peer=peer.label,
                ours=lambda: _rate(ledger, appends),
                theirs=lambda: peer.rate(inserts),
                rounds=rounds,
            )
            await ledger.close()
            report = await audit_ledger(exchange)
            if not report.intact:
                raise RuntimeError(f"the ledger does not verify: {report.findings[:3]}")
            return measured
    finally:
        exchange.destroy()


async def _register(exchange: LocalExchange) -> None:
    operator = exchange.ledger_client()
    for request in registrations():
        await operator.append(request)
    await operator.close()


def _server(exchange: LocalExchange) -> EmbeddedPostgres:
    if exchange.postgres is None:
        raise RuntimeError("the benchmark starts a server of its own; unset DATABASE_URL")
    return exchange.postgres


async def _rate(ledger: LedgerClient, count: int) -> float:
    waiting = iter(shares(count))
    started = time.perf_counter()
    await asyncio.gather(*(_produce(ledger, waiting) for _ in range(PRODUCERS)))
    return count / (time.perf_counter() - started)


async def _produce(ledger: LedgerClient, waiting: Iterator[AppendRequest]) -> None:
    for request in waiting:
        await ledger.append(request)
