"""Seconds for a verified replay of a log from its files, beside Tessera's ``fsck`` of the same files."""

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import Measured, in_turns
from benchmarks.process_tree import Ran, run_to_its_end
from benchmarks.static_log import write_static_log

FSCK = Path(__file__).parent.parent / ".foreign" / "bin" / "fsck"
WITHIN_S = 3_600.0


@dataclass(frozen=True, slots=True)
class _StaticLog:
    folder: Path
    size: int
    verifier_key: str

    async def replayed(self) -> Ran:
        """Replay it as a program of its own, so that starting Python counts as starting fsck does."""
        program = (sys.executable, "-m", "benchmarks.replay_process")
        ran = await run_to_its_end(*program, str(self.folder), self.verifier_key, within_s=WITHIN_S)
        if f"proven: {self.size} entries" not in ran.said:
            raise RuntimeError(f"the replay proved something else: {ran.said[-500:]}")
        return ran

    async def checked_by_fsck(self) -> Ran:
        """Have fsck check it. It ends with 0 whatever it finds, and may hang with one worker: its words decide."""
        key_file = self.folder.with_suffix(".key")
        key_file.write_text(self.verifier_key, encoding="ascii")
        options = ("-ui=false", "-N=16", f"-storage_url=file://{self.folder}/", f"-public_key={key_file}")
        ran = await run_to_its_end(str(FSCK), *options, within_s=WITHIN_S)
        if f"Successfully fsck'd log with size {self.size} and root" not in ran.said:
            raise RuntimeError(f"fsck found something: {ran.said[-500:]}")
        return ran


async def measure(*, rounds: int, size: int) -> Measured:
    """Return the comparison (a smaller ratio is better), with the memory that our processes held at two sizes."""
    home = Path(tempfile.mkdtemp(prefix="exchange-bench-log-"))
    try:
        small = await _written(home / "small", size // 4)
        large = await _written(home / "large", size)
        peak_mb: dict[int, float] = {small.size: (await small.replayed()).peak_mb, large.size: 0.0}

        async def ours() -> float:
            ran = await large.replayed()
            peak_mb[large.size] = max(peak_mb[large.size], ran.peak_mb)
            return ran.seconds

        async def theirs() -> float:
            return (await large.checked_by_fsck()).seconds

        measured = await in_turns(
            "replay_vs_fsck",
            unit=f"s for a verified replay of {size} entries",
            peer="Tessera's fsck v1.0.2, 16 workers",
            ours=ours,
            theirs=theirs,
            rounds=rounds,
        )
        return replace(measured, peak_mb=peak_mb)
    finally:
        shutil.rmtree(home)


async def _written(folder: Path, size: int) -> _StaticLog:
    return _StaticLog(folder, size, await write_static_log(folder, size=size))
