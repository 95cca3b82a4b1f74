"""Entries a second for ``exchange audit verify`` of a ledger's database, of many entries and of few, and its memory."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.bench_ledger import BenchLedger, bench_ledger
from benchmarks.measure import Measured
from benchmarks.process_tree import Ran, run_to_its_end
from services.ledger.keys import log_signer

WITHIN_S = 7_200.0


async def measure(*, rounds: int, small: int, large: int) -> Measured:
    """Return the comparison of one ledger at two sizes, every share in it about another child, and the peak memory.

    The rounds at the small size come before those at the large one, as the ledger only grows.
    """
    peak_mb: dict[int, float] = {}
    async with bench_ledger() as ledger:
        audited = _audited(ledger, peak_mb)
        await ledger.fill(small)
        few = [await audited(small) for _ in range(rounds)]
        await ledger.fill(large - small)
        many = [await audited(large) for _ in range(rounds)]
    return Measured(
        "audit_growth",
        f"entries/s verified, of {large}",
        f"the same of {small}",
        ours=many,
        theirs=few,
        peak_mb=peak_mb,
    )


def _audited(ledger: BenchLedger, peak_mb: dict[int, float]) -> Callable[[int], Awaitable[float]]:
    async def audited(size: int) -> float:
        ran = await _audit(ledger)
        if "Nothing was altered, dropped, added or reordered." not in ran.said:
            raise RuntimeError(f"the log does not verify: {ran.said[-500:]}")
        peak_mb[size] = max(peak_mb.get(size, 0.0), ran.peak_mb)
        return size / ran.seconds

    return audited


async def _audit(ledger: BenchLedger) -> Ran:
    """Run the command as an auditor does, so that starting Python counts."""
    return await run_to_its_end(
        *(str(Path(sys.executable).with_name("exchange")), "audit", "verify"),
        *("--database-url", ledger.settings.database_url),
        *("--password-file", str(ledger.secret_files.password_file("exchange_auditor"))),
        *("--log-key", log_signer(ledger.settings).verifier().verifier_key()),
        within_s=WITHIN_S,
    )
