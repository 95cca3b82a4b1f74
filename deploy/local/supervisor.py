"""Processes kept alive together: started in order, started again when they die, stopped in reverse."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.local.leash import die_with_parent, kill_group
from deploy.local.readiness import ReadinessCheck
from shared.errors import Conflict, Unavailable

Announce = Callable[[str], None]

LARGEST_LOG_BYTES = 20 * 1024 * 1024

_POLL_S = 0.05
_SETTLED_AFTER_S = 60.0
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One process to run. ``environment`` is added to its supervisor's; secrets belong in files, never here."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: Path | None = None
    ready: ReadinessCheck | None = None
    ready_within_s: float = 60.0
    grace_s: float = 15.0


def restart_delay_s(failures: int) -> float:
    """Return how long to wait before the next start after ``failures`` deaths in a row: doubling, 30 s at most."""
    return min(_FIRST_DELAY_S * 2.0 ** (min(failures, 16) - 1), _LONGEST_DELAY_S)


class Supervisor:
    """Runs children, each in a session of its own so that Ctrl-C reaches the supervisor alone.

    A child that dies is started again, for ever, with growing pauses; each death is announced. When the supervisor
    itself is killed outright, the kernel asks each child to end (Linux). Use it from one event loop, in a thread that
    lasts as long as the children. ``environment`` is what each child is given, this process's own by default.
    """

    def __init__(self, log_dir: Path, *, announce: Announce, environment: Mapping[str, str] | None = None) -> None:
        self._log_dir = log_dir
        self._announce = announce
        self._environment = os.environ if environment is None else environment
        self._children: dict[str, _Child] = {}

    async def start(self, spec: ChildSpec) -> None:
        """Start a child and return when it is ready, and from then on keep it alive.

        Raises Unavailable, naming its log, when it ends or takes too long before that: nothing of it is left then.
        Raises Conflict when a child of that name runs already.
        """
        if spec.name in self._children:
            raise Conflict(f"{spec.name} runs already")
        whole = replace(spec, environment={**self._environment, **spec.environment})
        child = _Child(whole, log_file=self.log_file(spec.name), announce=self._announce)
        self._children[spec.name] = child
        try:
            await child.start()
        except BaseException:
            # Forgotten only once it is gone: a cancellation here leaves it to `stop`.
            await child.stop()
            del self._children[spec.name]
            raise

    async def stop(self) -> None:
        """Stop all children, the last started first, and return when none is left. Idempotent."""
        while self._children:
            name = next(reversed(self._children))
            await self._children[name].stop()
            self._children.pop(name, None)

    async def stop_child(self, name: str) -> None:
        """Stop one child and return when it is gone. Idempotent."""
        child = self._children.get(name)
        if child is not None:
            await child.stop()
            self._children.pop(name, None)

    def log_file(self, name: str) -> Path:
        """Return where the child called ``name`` writes what it has to say."""
        return self._log_dir / f"{name}.log"

    def pid(self, name: str) -> int:
        """Return the process number that the child called ``name`` has now. Raises Unavailable when it has none."""
        child = self._children.get(name)
        if child is None or child.pid is None:
            raise Unavailable(f"{name} is not running")
        return child.pid


@asynccontextmanager
async def supervised(log_dir: Path, *, announce: Announce) -> AsyncIterator[Supervisor]:
    """Give a supervisor whose children are all stopped when the block is left, for whatever reason."""
    supervisor = Supervisor(log_dir, announce=announce)
    try:
        yield supervisor
    finally:
        # Even a second cancellation must not leave a child behind.
        stopping = asyncio.ensure_future(supervisor.stop())
        while not stopping.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(stopping)
        stopping.result()


@asynccontextmanager
async def signals_as_event() -> AsyncIterator[asyncio.Event]:
    """Give an event that SIGINT or SIGTERM sets, in place of what they would do otherwise, until the block is left."""
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    handled = (signal.SIGINT, signal.SIGTERM)
    for number in handled:
        loop.add_signal_handler(number, asked_to_end.set)
    try:
        yield asked_to_end
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


class _Child:
    def __init__(self, spec: ChildSpec, *, log_file: Path, announce: Announce) -> None:
        self._spec = spec
        self._log_file = log_file
        self._announce = announce
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def start(self) -> None:
        rotate(self._log_file)
        process = await self._launch()
        await self._await_ready(process)
        self._keeper = asyncio.create_task(self._keep_alive(process), name=f"keep {self._spec.name} alive")

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._process is not None:
            await self._end(self._process)
            self._process = None

    async def _launch(self) -> asyncio.subprocess.Process:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._spec.argv,
                env=self._spec.environment,
                cwd=self._spec.working_directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        except OSError as error:
            raise Unavailable(f"{self._spec.name} cannot be started: {error.strerror}") from error
        finally:
            os.close(descriptor)
        return self._process

    async def _await_ready(self, process: asyncio.subprocess.Process) -> None:
        if self._spec.ready is None:
            return
        name, give_up_at = self._spec.name, time.monotonic() + self._spec.ready_within_s
        while not await self._spec.ready():
            if process.returncode is not None:
                raise Unavailable(
                    f"{name} {_how_it_ended(process.returncode)} before it was ready; see {self._log_file}"
                )
            if time.monotonic() > give_up_at:
                raise Unavailable(
                    f"{name} was not ready within {self._spec.ready_within_s:.0f} s; see {self._log_file}"
                )
            await asyncio.sleep(_POLL_S)

    async def _keep_alive(self, process: asyncio.subprocess.Process) -> None:
        failures, started_at = 0, time.monotonic()
        while True:
            code = await process.wait()
            # What it started itself must not stand in the way of its successor.
            kill_group(process.pid)
            failures = 1 if time.monotonic() - started_at > _SETTLED_AFTER_S else failures + 1
            delay_s = restart_delay_s(failures)
            name = self._spec.name
            self._announce(f"{name} {_how_it_ended(code)}; starting it again in {delay_s:g} s. See {self._log_file}")
            await asyncio.sleep(delay_s)
            started_at = time.monotonic()
            try:
                process = await self._launch()
            except Unavailable as error:
                # The next turn waits for the old process, which is gone: it counts as one more failure.
                self._announce(error.detail)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._spec.grace_s)
        except TimeoutError:
            self._announce(f"{self._spec.name} did not end within {self._spec.grace_s:g} s and is killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        kill_group(process.pid)


def rotate(log_file: Path) -> None:
    """Move a log that has grown past `LARGEST_LOG_BYTES` aside, to ``NAME.log.1``, over the one moved before."""
    if log_file.exists() and log_file.stat().st_size > LARGEST_LOG_BYTES:
        log_file.replace(log_file.with_name(f"{log_file.name}.1"))


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
