"""What the gateway's benchmarks say of their rounds is what the rounds gave."""

import orjson
import pytest

from benchmarks.gateway_cost import Cost
from benchmarks.gateway_latency import Latency, percentile


@pytest.mark.parametrize(
    ("count", "percent", "expected"), [(100, 50, 50), (100, 99, 99), (101, 99, 100), (2, 50, 1), (1, 99, 1)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
    count: int, percent: int, expected: float
) -> None:
    assert percentile([float(value) for value in range(1, count + 1)], percent) == expected


def test_latency_is_the_median_of_its_rounds_with_the_lowest_and_highest_tail() -> None:
    rounds = [[1.0] * 98 + [tail] * 2 for tail in (5.0, 9.0, 7.0)]
    line = orjson.loads(Latency("gateway_latency", 200.0, 100.0, rounds).line())
    assert (line["p50"], line["p99"], line["p99_spread"]) == (1.0, 7.0, [5.0, 9.0])
    assert (line["at_per_s"], line["peak_per_s"]) == (100.0, 200.0)


def test_a_cost_is_the_sum_of_its_parts() -> None:
    cost = Cost()
    for number, values in enumerate(cost.parts.values()):
        values.extend([10.0**number] * 3)
    line = orjson.loads(cost.line())
    assert line["value"] == sum(line["parts"].values()) == 111_111
