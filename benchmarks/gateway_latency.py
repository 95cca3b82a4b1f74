"""How long a signed share takes to be accepted, at half of what the gateway can take: p50 and p99."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from benchmarks.http_load import load, load_at
from benchmarks.signed_shares import accepting_exchange, check_ledger, signed_shares
from shared.signatures.keys import generate_signing_key


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from when a request was due to when its answer was there, by round; each round sorted."""

    name: str
    peak_per_s: float
    at_per_s: float
    rounds: Sequence[Sequence[float]]

    def line(self) -> str:
        """Return the JSON line: medians of the rounds, and the rounds' lowest and highest p99."""
        tails = sorted(percentile(took, 99) for took in self.rounds)
        return orjson.dumps(
            {
                "name": self.name,
                "unit": "ms",
                "p50": round(statistics.median(percentile(took, 50) for took in self.rounds), 2),
                "p99": round(statistics.median(tails), 2),
                "p99_spread": [round(tails[0], 2), round(tails[-1], 2)],
                "at_per_s": round(self.at_per_s, 1),
                "peak_per_s": round(self.peak_per_s, 1),
                "rounds": len(self.rounds),
            }
        ).decode()


async def measure(*, rounds: int, requests: int) -> Latency:
    """Return what was seen. The peak is measured first, in the same run; the ledger verifies afterwards."""
    key = generate_signing_key()
    async with accepting_exchange(key) as exchange:
        port = exchange.options.port
        await load(port, signed_shares(port, key, requests // 2))
        peak_per_s = await load(port, signed_shares(port, key, requests))
        at_per_s = peak_per_s / 2
        took_ms = []
        for _ in range(rounds):
            took_s = await load_at(port, signed_shares(port, key, requests), per_s=at_per_s)
            took_ms.append(sorted(each * 1000 for each in took_s))
        await check_ledger(exchange)
        return Latency("gateway_latency", peak_per_s, at_per_s, took_ms)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest of ordered values that so many percent of them do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
