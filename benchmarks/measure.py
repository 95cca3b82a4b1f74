"""Measuring in turns: ours, the peer's, ours again … and one JSON line with the ratio and its spread."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

Round = Callable[[], Awaitable[float]]
"""Runs once for a while and returns a rate per second."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a comparison gave. Rates are medians; the ratio is the median of the rounds' own ratios.

    ``cpu_us`` and ``peer_cpu_us`` are microseconds of processor time for each one, where they were measured,
    and ``peak_mb`` the most memory that our processes held together, by the size of what they worked on.
    """

    name: str
    unit: str
    peer: str
    ours: list[float]
    theirs: list[float]
    cpu_us: Sequence[float] = ()
    peer_cpu_us: Sequence[float] = ()
    peak_mb: Mapping[int, float] = field(default_factory=dict)

    def line(self) -> str:
        """Return the JSON line."""
        ratios = sorted(mine / their for mine, their in zip(self.ours, self.theirs, strict=True))
        cpu = {
            name: round(statistics.median(each), 1)
            for name, each in (("cpu_us", self.cpu_us), ("peer_cpu_us", self.peer_cpu_us))
            if each
        }
        peaks = {str(size): round(megabytes, 1) for size, megabytes in self.peak_mb.items()}
        memory = {"peak_mb": peaks} if peaks else {}
        return orjson.dumps(
            {
                "name": self.name,
                "value": round(statistics.median(self.ours), 1),
                "unit": self.unit,
                "peer": self.peer,
                "peer_value": round(statistics.median(self.theirs), 1),
                "ratio": round(statistics.median(ratios), 3),
                "spread": [round(ratios[0], 3), round(ratios[-1], 3)],
                "rounds": len(ratios),
                **cpu,
                **memory,
            }
        ).decode()


async def in_turns(name: str, *, unit: str, peer: str, ours: Round, theirs: Round, rounds: int) -> Measured:
    """Return a comparison of so many rounds, the two runs of a round one right after the other.

    Machines are shared and drift: what is compared must have run in the same minute.
    """
    mine: list[float] = []
    other: list[float] = []
    for _ in range(rounds):
        other.append(await theirs())
        mine.append(await ours())
    return Measured(name, unit, peer, mine, other)
