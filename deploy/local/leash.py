"""Child processes that do not outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.placement import Owner

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(death_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """Return what a child runs between fork and exec so that the kernel signals it when its parent is gone.

    The kernel watches the *thread* that forked: start children from a thread that lasts, best the main one. A change
    of user clears the wish, so it must be made after it; ``subprocess`` does so. Only Linux knows it: elsewhere
    nothing is done, and a parent that is killed outright leaves its children.
    """
    if sys.platform != "linux":
        return _nothing
    # Loaded before the fork: between fork and exec a lock held by another thread would never be released.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent_pid = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal))
        # The parent may have died before the wish was made, and then nobody would ever be told.
        if os.getppid() != parent_pid:
            os._exit(1)

    return ask_the_kernel


def _nothing() -> None:
    return None


def spawn_logged(
    argv: Sequence[str],
    *,
    log_file: Path,
    environment: Mapping[str, str] | None = None,
    working_directory: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    run_as: Owner | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``argv`` in a session of its own, writing to the end of ``log_file``, bound to this process's life.

    Ctrl-C in the terminal does not reach it: who started it decides when and in what order to stop it. The log is
    opened by us, so that a child running as another user (``run_as``) needs no access to its folder.
    """
    with log_file.open("ab") as log:
        return subprocess.Popen(
            list(argv),
            env=None if environment is None else dict(environment),
            cwd=working_directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=None if run_as is None else run_as.uid,
            group=None if run_as is None else run_as.gid,
            extra_groups=None if run_as is None else [],
            preexec_fn=die_with_parent(death_signal),
        )


def end(process: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """Ask the process to end, wait at most ``grace_s``, then kill it and all it started. Returns when it is gone."""
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    kill_group(process.pid)


def kill_group(leader_pid: int) -> None:
    """Kill what is left of the process group that ``leader_pid`` led. Does nothing when nothing is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader_pid, signal.SIGKILL)
