"""A command's memory is that of all its processes, and one that fails or hangs is no result."""

import sys

import pytest

from benchmarks.process_tree import run_to_its_end

HELD_MB = 60
HOLDING = f"import time; held = b'x' * {HELD_MB * 1_000_000}; time.sleep(0.5)"
TWO_HOLDING = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDING!r}]); {HOLDING}; print('held')"


async def test_the_memory_of_a_child_that_has_ended_counts_beside_its_parents() -> None:
    ran = await run_to_its_end(sys.executable, "-c", TWO_HOLDING, within_s=60)
    assert ran.said == "held\n"
    assert 2 * HELD_MB <= ran.peak_mb < 4 * HELD_MB


@pytest.mark.parametrize(
    ("program", "within_s"), [("raise SystemExit(3)", 60.0), ("import time; time.sleep(3600)", 0.2)]
)
async def test_a_command_that_fails_or_hangs_is_no_result(program: str, within_s: float) -> None:
    with pytest.raises(RuntimeError, match="ended with"):
        await run_to_its_end(sys.executable, "-c", program, within_s=within_s)
