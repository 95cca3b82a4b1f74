"""Processor time for each append, ours and the peer's: comparable even while the machine is busy with other work."""

from collections.abc import Sequence
from typing import Protocol, Self

import psutil

from deploy.local.postgres import EmbeddedPostgres


class CpuTimes(Protocol):
    """Seconds that a process has spent itself, and those of its children that it has seen end."""

    @property
    def user(self) -> float:
        """Its own, in its program."""
        ...

    @property
    def system(self) -> float:
        """Its own, in the kernel."""
        ...

    @property
    def children_user(self) -> float:
        """Those of its ended children, in their programs."""
        ...

    @property
    def children_system(self) -> float:
        """Those of its ended children, in the kernel."""
        ...


class MeasuredProcess(Protocol):
    """What is read of a process. Both raise psutil.NoSuchProcess once it has ended and its parent knows."""

    def cpu_times(self) -> CpuTimes:
        """Return what it has spent."""
        ...

    def children(self) -> Sequence["MeasuredProcess"]:
        """Return its living children."""
        ...


class CpuMeter:
    """Adds up what this process, the programs it ran, and a server's processes have spent."""

    def __init__(self, parent: MeasuredProcess) -> None:
        """Measure a process with its children, such as a server's first one."""
        self._parent = parent

    @classmethod
    def of_server(cls, server: EmbeddedPostgres) -> Self:
        """Return a meter of this process and a running server."""
        pid = (server.data_dir / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0]
        return cls(psutil.Process(int(pid)))

    def spent_s(self) -> float:
        """Return seconds of processor time so far. A server process that ends meanwhile stays counted.

        Raises psutil.NoSuchProcess when the server itself has ended.
        """
        return _with_ended(psutil.Process().cpu_times()) + self.theirs_s()

    def theirs_s(self) -> float:
        """Return the same without this process and the programs it ran."""
        while (server := self._server_s()) is None:
            pass
        return server

    def _server_s(self) -> float | None:
        """Return what the server has spent, or None when one of its processes ended while it was being read.

        Its time has then gone over to its parent's, which may have been read before: all must be read again.
        """
        children = self._parent.children()
        spent_s = _with_ended(self._parent.cpu_times())
        for child in children:
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                return None
            spent_s += times.user + times.system
        return spent_s


def _with_ended(times: CpuTimes) -> float:
    return times.user + times.system + times.children_user + times.children_system
