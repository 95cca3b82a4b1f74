"""Appends a second on a ledger of many entries, beside the same on a ledger of few."""

from benchmarks.bench_ledger import bench_ledger
from benchmarks.measure import Measured, in_turns
from deploy.local.postgres_settings import SETTINGS_FOR_MILLIONS


async def measure(*, rounds: int, appends: int, small: int, large: int) -> Measured:
    """Return the comparison of two ledgers, both filled by appending, measured in turns; both verify afterwards.

    Each has a server of its own, so that the large one's cache is not the small one's; both have the memory and the
    write-ahead log that a log of millions needs (docs/operations.md).
    """
    async with bench_ledger(SETTINGS_FOR_MILLIONS) as few, bench_ledger(SETTINGS_FOR_MILLIONS) as many:
        await few.fill(small)
        await many.fill(large)
        measured = await in_turns(
            "append_growth",
            unit=f"appends/s on {large} entries",
            peer=f"the same on {small} entries",
            ours=lambda: many.rate(appends),
            theirs=lambda: few.rate(appends),
            rounds=rounds,
        )
        await few.verify()
        await many.verify()
        return measured
