"""The embedded PostgreSQL server: its data, its password, its start and its end."""

import fcntl
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from deploy.local.leash import spawn_logged
from deploy.local.placement import private_directory, socket_directory
from deploy.local.postgres_cluster import SUPERUSER, is_cluster, make_cluster, server_environment
from deploy.local.postgres_program import STATE_ROOT, PostgresProgram, find_program
from deploy.local.postgres_settings import PORT, SETTINGS
from shared.errors import IntegrityFailure, Unavailable

_SOCKET_NAME = f".s.PGSQL.{PORT}"

_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 30.0
_POLL_S = 0.02


class EmbeddedPostgres:
    """One PostgreSQL server whose data lives under one folder.

    It listens on a Unix socket only, asks every role for its password (``scram-sha-256``, locally too), and has
    ``fsync`` on. It ends when the process that started it ends. All methods block; call `start` from a thread that
    lasts. Two objects with the same folder are two handles on one server.
    """

    def __init__(
        self,
        home: Path,
        *,
        password_file: Path | None = None,
        log_file: Path | None = None,
        settings: Mapping[str, str] = SETTINGS,
    ) -> None:
        self._home = home.absolute()
        self._settings = settings
        self._password_file = password_file or self._home / "superuser.password"
        self._log_file = log_file or self._home / "server.log"
        self._program: PostgresProgram | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._data_dir: Path | None = None
        self._socket_dir: Path | None = None

    @property
    def data_dir(self) -> Path:
        """Where the data is: in the folder asked for, or elsewhere when the server's user cannot reach that."""
        if self._data_dir is None:
            raise Unavailable("the embedded PostgreSQL was not started yet")
        return self._data_dir

    @property
    def socket_dir(self) -> Path:
        """The folder of the Unix socket: what clients give as their host."""
        if self._socket_dir is None:
            raise Unavailable("the embedded PostgreSQL was not started yet")
        return self._socket_dir

    @property
    def port(self) -> int:
        """The number in the socket's name. No TCP port is open."""
        return PORT

    @property
    def bin_dir(self) -> Path:
        """The folder with ``pg_dump``, ``pgbench``, ``psql`` and the others of the same version as the server."""
        return self._found_program().bin_dir

    @property
    def log_file(self) -> Path:
        """What the server wrote. It holds no statements and no data."""
        return self._log_file

    @property
    def placement(self) -> str:
        """Where the data is and why, in one sentence for a person."""
        if self.data_dir.parent == self._home:
            return f"PostgreSQL keeps its data in {self.data_dir}."
        return f"PostgreSQL cannot run as root, and its user cannot reach {self._home}: its data is in {self.data_dir}."

    @property
    def is_alive(self) -> bool:
        """Whether a server runs on this data, ready or not, whoever started it."""
        return self._postmaster() is not None

    def superuser_password(self) -> str:
        """Return the superuser's password, read from its file. Raises Unavailable when there is none."""
        try:
            return self._password_file.read_text(encoding="ascii").strip()
        except FileNotFoundError as error:
            remedy = "bring it back, or delete the data folder to start empty"
            raise Unavailable(f"the superuser's password is not in {self._password_file}", remedy=remedy) from error

    def dsn(self, database: str = "postgres", *, role: str = SUPERUSER, password: str | None = None) -> str:
        """Return the address of a database as asyncpg and libpq read it; put ``+asyncpg`` in for SQLAlchemy.

        Without ``password`` it carries the superuser's for the superuser, and none for any other role.
        """
        known = self.superuser_password() if password is None and role == SUPERUSER else password
        user = quote(role, safe="") if known is None else f"{quote(role, safe='')}:{quote(known, safe='')}"
        socket_dir = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{user}@/{quote(database, safe='')}?host={socket_dir}&port={self.port}"

    def start(self) -> None:
        """Make the cluster when there is none, start the server, and return when it takes connections.

        Idempotent: a server already running on this data is used as it is, one that is ending is waited for, and what
        a killed one left behind is cleared. Raises Unavailable, naming the log, when it does not come up.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        with self._locked():
            owner = self._found_program().owner
            self._data_dir = private_directory(
                self._home / "data", owner=owner, roots=[STATE_ROOT, Path(tempfile.gettempdir())]
            )
            self._socket_dir = socket_directory(self._home / "socket", longest_name=_SOCKET_NAME, owner=owner)
            if not is_cluster(self._data_dir):
                make_cluster(self._data_dir, program=self._found_program(), password_file=self._password_file)
            self.superuser_password()
            if self._attached():
                return
            self._reap()
            self._clear_leftovers()
            self._launch()

    def stop(self) -> None:
        """End the server, letting no transaction finish, and return when it is gone. Idempotent."""
        postmaster = self._postmaster()
        if postmaster is not None:
            # SIGINT is PostgreSQL's fast shutdown: clients are cut off, and a checkpoint is written.
            postmaster.send_signal(signal.SIGINT)
            if not self._gone(postmaster, within_s=_STOP_WITHIN_S):
                self.crash()
        self._reap()

    def crash(self) -> None:
        """Kill the server and all its backends as a power cut would; the next `start` recovers from the log."""
        postmaster = self._postmaster()
        if postmaster is not None:
            family = [postmaster]
            with suppress(psutil.NoSuchProcess):
                family += postmaster.children(recursive=True)
            # The postmaster first: alive, it would answer a backend's death with a recovery of its own.
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._reap()
            # The shared memory of the old server must be free before a new one may start.
            psutil.wait_procs(family, timeout=_STOP_WITHIN_S)
        self._reap()

    def destroy(self) -> None:
        """Stop the server and delete its data, its password and its log. For tests and for starting anew."""
        self.stop()
        for folder in (self._data_dir, self._socket_dir, self._home / "data", self._home / "socket"):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        self._password_file.unlink(missing_ok=True)
        self._log_file.unlink(missing_ok=True)
        self._data_dir = self._socket_dir = None

    def execute(self, sql: str, *, database: str = "postgres") -> str:
        """Run ``sql`` as the superuser and return what ``psql`` printed, unaligned and without headings.

        Each statement is a transaction of its own; the first that fails ends it. Raises Unavailable, without repeating
        the statement. The text goes through a pipe, so that no password in it is seen in the list of processes.
        """
        command = [str(self.bin_dir / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse"]
        address = ["-h", str(self.socket_dir), "-p", str(self.port), "-U", SUPERUSER, "-d", database]
        environment = server_environment() | {"PGPASSWORD": self.superuser_password()}
        done = subprocess.run(
            [*command, *address], input=sql.encode(), capture_output=True, env=environment, check=False
        )
        if done.returncode != 0:
            raise Unavailable(f"PostgreSQL refused: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout.decode().strip()

    def _found_program(self) -> PostgresProgram:
        if self._program is None:
            self._program = find_program()
        return self._program

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time decide whether the server must be started."""
        with (self._home / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _launch(self) -> None:
        program = self._found_program()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        command = [
            str(program.bin_dir / "postgres"),
            "-D",
            str(self.data_dir),
            f"--unix_socket_directories={self.socket_dir}",
            *settings,
        ]
        self._process = spawn_logged(
            command,
            log_file=self._log_file,
            environment=server_environment(),
            working_directory=Path("/"),
            death_signal=signal.SIGINT,
            run_as=program.run_as,
        )
        give_up_at = time.monotonic() + _START_WITHIN_S
        while self._status() != "ready":
            if self._process.poll() is not None:
                code = self._process.returncode
                raise Unavailable(f"PostgreSQL ended with {code} while starting; see {self._log_file}")
            if time.monotonic() > give_up_at:
                self.crash()
                raise Unavailable(f"PostgreSQL was not ready after {_START_WITHIN_S:.0f} s; see {self._log_file}")
            time.sleep(_POLL_S)

    def _attached(self) -> bool:
        """Wait for a server that runs on this data to be ready or gone; say whether it is ready."""
        give_up_at = time.monotonic() + _START_WITHIN_S
        while (postmaster := self._postmaster()) is not None:
            if self._status() == "ready":
                return True
            if time.monotonic() > give_up_at:
                raise Unavailable(f"PostgreSQL (process {postmaster.pid}) neither starts nor ends on this data")
            time.sleep(_POLL_S)
        return False

    def _clear_leftovers(self) -> None:
        """Remove what a killed server left. Its process number may belong to another process by now."""
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
        (self.socket_dir / _SOCKET_NAME).unlink(missing_ok=True)
        (self.socket_dir / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _pid_file(self) -> list[str]:
        if self._data_dir is None:
            return []
        try:
            return (self._data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _status(self) -> str:
        """Return ``starting``, ``ready``, ``stopping`` …, the eighth line of the pid file; empty when not known."""
        lines = self._pid_file()
        if self._process is not None and lines[:1] != [str(self._process.pid)]:
            return ""
        return lines[7].strip() if len(lines) >= 8 else ""

    def _postmaster(self) -> psutil.Process | None:
        """Return the living server on this data, whoever started it."""
        lines = self._pid_file()
        if not lines:
            return None
        self._reap_if_ended()
        try:
            process = psutil.Process(int(lines[0]))
            same_data = Path(process.cwd()) == self.data_dir.resolve()
            alive = process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        except ValueError as error:
            raise IntegrityFailure(
                f"{self.data_dir / 'postmaster.pid'} does not begin with a process number"
            ) from error
        return process if same_data and alive and process.name() == "postgres" else None

    def _gone(self, postmaster: psutil.Process, *, within_s: float) -> bool:
        if self._process is not None and self._process.pid == postmaster.pid:
            try:
                self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                return False
            return True
        return not psutil.wait_procs([postmaster], timeout=within_s)[1]

    def _reap_if_ended(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._process = None

    def _reap(self) -> None:
        if self._process is not None:
            # Gone already, unless somebody deleted the data under it: then no pid file led to it.
            self._process.kill()
            self._process.wait()
            self._process = None
