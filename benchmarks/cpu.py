"""Processor time for each append, ours and the peer's: comparable even while the machine is busy with other work."""

import psutil

from deploy.local.postgres import EmbeddedPostgres


class CpuMeter:
    """Adds up what this process, the programs it ran, and a server's processes have spent."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        pid = (server.data_dir / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]
        self._postmaster = psutil.Process(int(pid))

    def spent_s(self) -> float:
        """Return seconds of processor time so far. A server process that ends meanwhile stays counted."""
        living = [self._postmaster, *self._postmaster.children()]
        parents = [psutil.Process().cpu_times(), self._postmaster.cpu_times()]
        ended = sum(times.children_user + times.children_system for times in parents)
        running = [psutil.Process().cpu_times(), *(process.cpu_times() for process in living)]
        return ended + sum(times.user + times.system for times in running)
