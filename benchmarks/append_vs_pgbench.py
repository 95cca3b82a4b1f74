"""Ledger appends a second from 64 producers, beside pgbench's single-row inserts of the same payload."""

from benchmarks.bench_ledger import bench_ledger
from benchmarks.measure import Measured, in_turns
from benchmarks.pgbench import fastest_pgbench


async def measure(*, rounds: int, appends: int, seconds: int) -> Measured:
    """Return the comparison; the log verifies afterwards."""
    async with bench_ledger() as ledger:
        folder = ledger.settings.guard_file.parent
        peer = await fastest_pgbench(ledger.server, folder=folder, seconds=max(1, seconds // 2))
        await ledger.rate(appends)
        measured = await in_turns(
            "append_vs_pgbench",
            unit="appends/s",
            peer=peer.label,
            ours=lambda: ledger.rate(appends),
            theirs=lambda: peer.rate(seconds),
            rounds=rounds,
        )
        await ledger.verify()
        return measured
