"""Runs the benchmarks and prints one JSON line for each: ``python -m benchmarks [--smoke | --soak] [NAME …]``."""

import argparse
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from typing import Protocol

import uvloop

from benchmarks import (
    append_growth,
    append_http_vs_pgbench,
    append_vs_eventsourcing,
    append_vs_pgbench,
    audit_growth,
    gateway_cost,
    gateway_latency,
    gateway_vs_fastapi,
    proof_ms,
    replay_vs_fsck,
)
from benchmarks.measure import Measured
from shared.process.collector import collect_rarely
from shared.process.logs import configure_logs


class Length(StrEnum):
    """How long to run: seconds, minutes or hours in all."""

    SMOKE = "smoke"
    BENCH = "bench"
    SOAK = "soak"


class Result(Protocol):
    """What a benchmark gave."""

    def line(self) -> str:
        """Return the JSON line."""
        ...


Benchmark = Callable[[Length], Coroutine[object, object, Result]]


async def _append_vs_pgbench(length: Length) -> Measured:
    rounds, appends, inserts = {Length.SMOKE: (2, 2_000, 2_000), Length.BENCH: (7, 20_000, 50_000)}.get(
        length, (15, 40_000, 100_000)
    )
    return await append_vs_pgbench.measure(rounds=rounds, appends=appends, inserts=inserts)


async def _append_http_vs_pgbench(length: Length) -> Measured:
    rounds, appends, inserts = {Length.SMOKE: (2, 1_000, 2_000), Length.BENCH: (5, 10_000, 50_000)}.get(
        length, (15, 20_000, 100_000)
    )
    return await append_http_vs_pgbench.measure(rounds=rounds, appends=appends, inserts=inserts)


async def _append_vs_eventsourcing(length: Length) -> Measured:
    rounds, appends, events = {Length.SMOKE: (2, 2_000, 200), Length.BENCH: (5, 20_000, 2_000)}.get(
        length, (15, 40_000, 5_000)
    )
    return await append_vs_eventsourcing.measure(rounds=rounds, appends=appends, events=events)


async def _append_growth(length: Length) -> Measured:
    rounds, appends, small, large = {
        Length.SMOKE: (2, 1_000, 1_000, 4_000),
        Length.BENCH: (5, 10_000, 20_000, 200_000),
    }.get(length, (9, 20_000, 100_000, 5_000_000))
    return await append_growth.measure(rounds=rounds, appends=appends, small=small, large=large)


async def _gateway_vs_fastapi(length: Length) -> Measured:
    rounds, requests = {Length.SMOKE: (2, 500), Length.BENCH: (5, 4_000)}.get(length, (15, 8_000))
    return await gateway_vs_fastapi.measure(rounds=rounds, requests=requests)


async def _audit_growth(length: Length) -> Measured:
    rounds, large = {Length.SMOKE: (1, 4_000), Length.BENCH: (3, 200_000)}.get(length, (5, 1_000_000))
    return await audit_growth.measure(rounds=rounds, small=large // 4, large=large)


async def _gateway_latency(length: Length) -> gateway_latency.Latency:
    rounds, requests = {Length.SMOKE: (2, 300), Length.BENCH: (5, 3_000)}.get(length, (15, 8_000))
    return await gateway_latency.measure(rounds=rounds, requests=requests)


async def _gateway_cost(length: Length) -> gateway_cost.Cost:
    rounds, requests = {Length.SMOKE: (2, 300), Length.BENCH: (5, 3_000)}.get(length, (15, 8_000))
    return await gateway_cost.measure(rounds=rounds, requests=requests)


async def _proof_ms(length: Length) -> Measured:
    size, proofs = {Length.SMOKE: (70_001, 50), Length.BENCH: (1_000_003, 300)}.get(length, (5_000_003, 1_000))
    return await proof_ms.measure(size=size, proofs=proofs)


async def _replay_vs_fsck(length: Length) -> Measured:
    rounds, size = {Length.SMOKE: (2, 20_001), Length.BENCH: (5, 200_003)}.get(length, (9, 1_000_003))
    return await replay_vs_fsck.measure(rounds=rounds, size=size)


BENCHMARKS: Mapping[str, Benchmark] = {
    "append_vs_pgbench": _append_vs_pgbench,
    "append_http_vs_pgbench": _append_http_vs_pgbench,
    "append_vs_eventsourcing": _append_vs_eventsourcing,
    "append_growth": _append_growth,
    "gateway_vs_fastapi": _gateway_vs_fastapi,
    "audit_growth": _audit_growth,
    "gateway_latency": _gateway_latency,
    "gateway_cost": _gateway_cost,
    "proof_ms": _proof_ms,
    "replay_vs_fsck": _replay_vs_fsck,
}


def main() -> None:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(description="Speed beside something a reader can run too, as ratios in one run.")
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--smoke", action="store_true", help="briefly: they run, and what they wrote verifies")
    how_long.add_argument("--soak", action="store_true", help="for hours, on logs of millions")
    parser.add_argument("names", nargs="*", help=f"{', '.join(BENCHMARKS)}; default: all")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    # Logs go to standard error, so that standard output holds nothing but the results.
    configure_logs("benchmarks")
    collect_rarely()
    length = Length.SMOKE if arguments.smoke else Length.SOAK if arguments.soak else Length.BENCH
    for name in arguments.names or BENCHMARKS:
        measured = uvloop.run(BENCHMARKS[name](length))
        print(measured.line(), flush=True)


if __name__ == "__main__":
    main()
