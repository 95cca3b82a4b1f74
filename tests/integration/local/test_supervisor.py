import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from deploy.local.readiness import ReadinessCheck, socket_accepts
from deploy.local.supervisor import LARGEST_LOG_BYTES, ChildSpec, Supervisor, supervised
from shared.errors import Conflict, Unavailable
from tests.machinery.broker import PROJECT

_SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
_STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
)
_WITH_GRANDCHILD = (
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(600)",
)
_SUPERVISOR = """
import asyncio, json, sys
from pathlib import Path
from deploy.local.supervisor import ChildSpec, signals_as_event, supervised

async def main():
    async with signals_as_event() as asked_to_end, supervised(Path(sys.argv[1]), announce=lambda line: None) as parts:
        for name in ("first", "second"):
            await parts.start(ChildSpec(name=name, argv=(sys.executable, "-c", "import time; time.sleep(600)")))
        print(json.dumps([parts.pid("first"), parts.pid("second")]), flush=True)
        await asked_to_end.wait()

asyncio.run(main())
"""


class Told:
    """Keeps what the supervisor announced."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)


@asynccontextmanager
async def _supervisor(log_dir: Path) -> AsyncIterator[tuple[Supervisor, Told]]:
    told = Told()
    async with supervised(log_dir, announce=told) as supervisor:
        yield supervisor, told


def _gone(*pids: int) -> bool:
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return not psutil.wait_procs(processes, timeout=20)[1]


async def _new_pid(supervisor: Supervisor, *, name: str, old: int) -> int:
    async with asyncio.timeout(30):
        while True:
            try:
                if (pid := supervisor.pid(name)) != old:
                    return pid
            except Unavailable:
                pass
            await asyncio.sleep(0.02)


def _said_something(log_file: Path) -> ReadinessCheck:
    async def check() -> bool:
        return (await asyncio.to_thread(log_file.read_text)).endswith("\n")

    return check


async def test_a_child_that_dies_is_started_again_and_it_is_said(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, told):
        await supervisor.start(ChildSpec(name="worker", argv=_SLEEP))
        first = supervisor.pid("worker")
        psutil.Process(first).kill()
        second = await _new_pid(supervisor, name="worker", old=first)
        assert psutil.pid_exists(second)
        assert "worker was ended by SIGKILL; starting it again in 0.5 s" in told.lines[0]


async def test_leaving_the_block_leaves_no_process_behind(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, _):
        for name in ("first", "second"):
            await supervisor.start(ChildSpec(name=name, argv=_SLEEP))
        pids = [supervisor.pid("first"), supervisor.pid("second")]
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, _):
        log_file = supervisor.log_file("parent")
        await supervisor.start(ChildSpec(name="parent", argv=_WITH_GRANDCHILD, ready=_said_something(log_file)))
        grandchild = int(log_file.read_text(encoding="utf-8"))
    assert _gone(grandchild)


async def test_a_child_that_will_not_end_is_killed_and_it_is_said(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, told):
        ready = _said_something(supervisor.log_file("deaf"))
        await supervisor.start(ChildSpec(name="deaf", argv=_STUBBORN, grace_s=0.2, ready=ready))
        pid = supervisor.pid("deaf")
    assert not psutil.pid_exists(pid)
    assert told.lines == ["deaf did not end within 0.2 s and is killed"]


async def test_a_child_that_ends_before_it_is_ready_is_reported_with_its_log(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, _):
        failing = (sys.executable, "-c", "raise SystemExit(3)")
        spec = ChildSpec(name="failing", argv=failing, ready=socket_accepts(tmp_path / "never"))
        with pytest.raises(Unavailable, match=r"failing ended with code 3 before it was ready; see .*failing\.log"):
            await supervisor.start(spec)


async def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, _):
        with pytest.raises(Unavailable, match="missing cannot be started"):
            await supervisor.start(ChildSpec(name="missing", argv=("/no/such/program",)))


async def test_a_child_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, _):
        spec = ChildSpec(name="slow", argv=_SLEEP, ready=socket_accepts(tmp_path / "never"), ready_within_s=0.3)
        with pytest.raises(Unavailable, match="slow was not ready"):
            await supervisor.start(spec)
        with pytest.raises(Unavailable):
            supervisor.pid("slow")


async def test_a_child_is_ready_once_its_socket_takes_connections(tmp_path: Path) -> None:
    listening = (
        "import socket, time\ntime.sleep(0.2)\nserver = socket.socket(socket.AF_UNIX)\n"
        "server.bind('s')\nserver.listen()\ntime.sleep(600)"
    )
    async with _supervisor(tmp_path) as (supervisor, _):
        argv = (sys.executable, "-c", listening)
        ready = socket_accepts(tmp_path / "s")
        await supervisor.start(ChildSpec(name="server", argv=argv, working_directory=tmp_path, ready=ready))
        assert await ready()


async def test_two_children_of_one_name_are_refused(tmp_path: Path) -> None:
    async with _supervisor(tmp_path) as (supervisor, _):
        await supervisor.start(ChildSpec(name="worker", argv=_SLEEP))
        with pytest.raises(Conflict):
            await supervisor.start(ChildSpec(name="worker", argv=_SLEEP))


async def test_a_log_is_added_to_and_put_aside_when_it_has_grown_too_large(tmp_path: Path) -> None:
    log_file = tmp_path / "speaker.log"
    speaking = (sys.executable, "-c", "print('hello', flush=True); import time; time.sleep(600)")

    async def said_hello() -> bool:
        return log_file.read_text(encoding="utf-8").endswith("hello\n")

    spec = ChildSpec(name="speaker", argv=speaking, ready=said_hello)
    log_file.write_text("before\n", encoding="utf-8")
    async with _supervisor(tmp_path) as (supervisor, _):
        await supervisor.start(spec)
    assert log_file.read_text(encoding="utf-8") == "before\nhello\n"
    with log_file.open("ab") as log:
        log.truncate(LARGEST_LOG_BYTES + 1)
    async with _supervisor(tmp_path) as (supervisor, _):
        await supervisor.start(spec)
    assert (tmp_path / "speaker.log.1").stat().st_size == LARGEST_LOG_BYTES + 1
    assert log_file.read_text(encoding="utf-8") == "hello\n"


@pytest.mark.parametrize("ending", ["kill", "terminate"])
def test_no_child_outlives_a_supervisor_that_is_ended(tmp_path: Path, ending: str) -> None:
    command = [sys.executable, "-c", _SUPERVISOR, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as supervisor:
        assert supervisor.stdout is not None
        pids = json.loads(supervisor.stdout.readline())
        psutil.Process(supervisor.pid).send_signal({"kill": 9, "terminate": 15}[ending])
    assert _gone(*pids)
