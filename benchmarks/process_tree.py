"""Running a command to its end: how long it took, what it said, and how much memory it and its children held."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Ran:
    """``peak_mb`` adds up the most that each process ever held, shared pages counted anew for each: never too little.

    A process that lived for less than LOOK_EVERY_S may be missing.
    """

    seconds: float
    peak_mb: float
    said: str


async def run_to_its_end(*command: str, within_s: float) -> Ran:
    """Run a command and return how it went. Raises RuntimeError when it fails or is not done in time."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    ended = asyncio.create_task(process.communicate())
    peaks_kb: dict[int, int] = {}
    while not ended.done():
        peaks_kb.update(_peaks_kb(process.pid))
        if time.perf_counter() - started > within_s:
            process.kill()
        await asyncio.wait([ended], timeout=LOOK_EVERY_S)
    seconds = time.perf_counter() - started
    said = (await ended)[0].decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode} after {seconds:.0f} s: {said[-500:]}")
    return Ran(seconds, sum(peaks_kb.values()) / 1000, said)


def _peaks_kb(pid: int) -> dict[int, int]:
    """Return the most that a process and each of its descendants has held so far, in kilobytes, by process id."""
    found = {}
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    for each in family:
        try:
            status = Path(f"/proc/{each.pid}/status").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # The kernel keeps the peak itself, so that looking seldom misses none.
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
        if peak is not None:
            found[each.pid] = int(peak.split()[1])
    return found
