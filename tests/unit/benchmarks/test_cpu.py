"""Processor time is measured whole while processes end: none of it breaks the measure or vanishes from it."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
import pytest

from benchmarks.cpu import CpuMeter

BURNS_S = 0.3
PARENT = f"""
import subprocess, sys
burning = "import time\\nwhile time.process_time() < {BURNS_S}: pass\\nprint('burnt', flush=True)\\ninput()"
child = subprocess.Popen([sys.executable, "-c", burning], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print("burnt", flush=True)
input()
child.communicate(b"end\\n")
print("ended", flush=True)
input()
"""


@dataclass
class Times:
    user: float
    system: float = 0.0
    children_user: float = 0.0
    children_system: float = 0.0


@dataclass
class FakeProcess:
    """A process whose children may be listed and be gone when they are asked."""

    times: Times
    living: list["FakeProcess"] = field(default_factory=list)
    ending: list["FakeProcess"] = field(default_factory=list)
    is_gone: bool = False

    def cpu_times(self) -> Times:
        if self.is_gone:
            raise psutil.NoSuchProcess(1)
        return Times(self.times.user, self.times.system, self.times.children_user, self.times.children_system)

    def children(self) -> Sequence["FakeProcess"]:
        if self.is_gone:
            raise psutil.NoSuchProcess(1)
        listed = list(self.living)
        while self.ending:
            child = self.ending.pop()
            child.is_gone = True
            self.living.remove(child)
            self.times.children_user += child.times.user
        return listed


def test_a_process_that_ends_while_it_is_read_is_counted_with_its_parent() -> None:
    children = [FakeProcess(Times(1_000.0)), FakeProcess(Times(20_000.0)), FakeProcess(Times(300_000.0))]
    parent = FakeProcess(Times(4_000_000.0), living=list(children), ending=[children[1]])
    spent_s = CpuMeter(parent).spent_s()
    assert 4_321_000.0 < spent_s < 4_322_000.0


def test_a_process_that_ended_between_two_readings_has_spent_what_it_spent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        meter = CpuMeter(psutil.Process(parent.pid))
        assert parent.stdout.readline() == "burnt\n"
        living = meter.spent_s()
        parent.stdin.write("end\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "ended\n"
        ended = meter.spent_s()
        parent.stdin.write("end\n")
        parent.stdin.close()
    assert living >= BURNS_S
    # Sums of the same clock ticks in another order may differ in their last bit.
    assert round(ended - living, 6) >= 0


def test_a_server_that_has_ended_is_not_measured_as_idle() -> None:
    with pytest.raises(psutil.NoSuchProcess):
        CpuMeter(FakeProcess(Times(1.0), is_gone=True)).spent_s()
