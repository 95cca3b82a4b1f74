"""Ledger appends a second from 64 producers, beside pgbench's single-row inserts of the same payload."""

from dataclasses import replace

from benchmarks.appends import shares
from benchmarks.bench_ledger import bench_ledger
from benchmarks.cpu import CpuMeter
from benchmarks.measure import Measured, in_turns
from benchmarks.pgbench import fastest_pgbench


async def measure(*, rounds: int, appends: int, inserts: int) -> Measured:
    """Return the comparison, with the processor time of both; the log verifies afterwards."""
    async with bench_ledger() as ledger:
        folder = ledger.settings.guard_file.parent
        peer = await fastest_pgbench(ledger.server, folder=folder, inserts=inserts // 2)
        meter = CpuMeter.of_server(ledger.server)
        cpu_us: list[float] = []
        peer_cpu_us: list[float] = []

        async def ours() -> float:
            requests = shares(appends)
            before = meter.spent_s()
            rate = await ledger.rate_of(requests)
            cpu_us.append((meter.spent_s() - before) / appends * 1e6)
            return rate

        async def theirs() -> float:
            before = meter.spent_s()
            rate = await peer.rate(inserts)
            peer_cpu_us.append((meter.spent_s() - before) / inserts * 1e6)
            return rate

        await ledger.rate(appends)
        measured = await in_turns(
            "append_vs_pgbench", unit="appends/s", peer=peer.label, ours=ours, theirs=theirs, rounds=rounds
        )
        await ledger.verify()
        return replace(measured, cpu_us=cpu_us, peer_cpu_us=peer_cpu_us)
