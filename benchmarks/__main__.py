"""Runs the benchmarks and prints one JSON line for each: ``python -m benchmarks [--smoke] [NAME …]``."""

import argparse
import asyncio

from benchmarks import append_vs_pgbench, gateway_vs_fastapi
from shared.process.logs import configure_logs


def main() -> None:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(description="Speed beside something a reader can run too, as ratios in one run.")
    parser.add_argument("--smoke", action="store_true", help="briefly: they run, and what they wrote verifies")
    parser.add_argument("names", nargs="*", help="gateway_vs_fastapi, append_vs_pgbench; default: all")
    arguments = parser.parse_args()
    # Logs go to standard error, so that standard output holds nothing but the results.
    configure_logs("benchmarks")
    wanted = arguments.names or ["append_vs_pgbench", "gateway_vs_fastapi"]
    if "append_vs_pgbench" in wanted:
        rounds, appends, seconds = (2, 2_000, 2) if arguments.smoke else (5, 20_000, 4)
        print(asyncio.run(append_vs_pgbench.measure(rounds=rounds, appends=appends, seconds=seconds)).line())
    if "gateway_vs_fastapi" in wanted:
        rounds, requests = (2, 500) if arguments.smoke else (5, 4_000)
        print(asyncio.run(gateway_vs_fastapi.measure(rounds=rounds, requests=requests)).line())


if __name__ == "__main__":
    main()
