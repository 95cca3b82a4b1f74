"""Ledger processes without gateway or notifier, over one database: for tests that kill them, pair them, starve them."""

import asyncio
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.secret_files import SecretFiles
from deploy.migrate import migrate
from services.ledger.adapters.guard_file import GuardFile
from services.ledger.audit.findings import Report
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.verify import verify_log
from shared.errors import Unavailable
from shared.ledger.client import LedgerClient
from shared.process.address import UnixAddress
from shared.process.remote import Remote
from shared.transparency.signed_note import Ed25519Verifier, NoteSigner
from tests.machinery.crash import Crash
from tests.machinery.crashing_ledger import be_a_ledger

ORIGIN = "ledger.example/faults"
CALLERS = ("gateway", "notifier", "operator", "auditor")
PATIENCE_S = 40.0

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.machinery.crashing_ledger"])


def nothing() -> None:
    """Take nothing away from a process."""


@dataclass
class LedgerProcess:
    """One ledger process: its doors, its log, its end."""

    process: ForkServerProcess
    folder: Path

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""

    @property
    def pid(self) -> int:
        """Its number."""
        assert self.process.pid is not None
        return self.process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.join(PATIENCE_S)

    async def ended(self) -> int:
        """Wait for its end and return its exit code; negative for a signal."""
        for _ in range(int(PATIENCE_S / 0.02)):
            if self.process.exitcode is not None:
                return self.process.exitcode
            await asyncio.sleep(0.02)
        raise AssertionError(f"the ledger still runs: {self.log[-2000:]}")

    async def says(self, *words: str) -> None:
        """Wait until one line of its log holds all the words."""
        for _ in range(int(PATIENCE_S / 0.05)):
            if any(all(word in line for word in words) for line in self.log.splitlines()):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"it did not say {words}: {self.log[-2000:]}")

    @asynccontextmanager
    async def client(self, caller: str = "operator") -> AsyncIterator[LedgerClient]:
        """Give a client that comes in by a caller's door."""
        client = LedgerClient(Remote(UnixAddress(self.folder / f"{caller}.sock"), timeout_s=10))
        try:
            yield client
        finally:
            await client.close()

    async def standing(self) -> str:
        """Return where it stands; ``unreachable`` while nobody answers."""
        async with self.client() as client:
            try:
                return (await client.standing()).standing
            except Unavailable:
                return "unreachable"

    async def stands(self, standing: str) -> None:
        """Wait until it stands there."""
        for _ in range(int(PATIENCE_S / 0.05)):
            if await self.standing() == standing:
                return
            if self.process.exitcode is not None:
                break
            await asyncio.sleep(0.05)
        raise AssertionError(f"the ledger is {await self.standing()}, not {standing}: {self.log[-2000:]}")


@dataclass
class LeanLedger:
    """One log in one database, and the processes that are its ledger, or stand by to be."""

    server: EmbeddedPostgres
    database: str
    home: Path
    secrets: SecretFiles
    processes: list[LedgerProcess] = field(default_factory=list)
    more_settings: dict[str, object] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        """The database without user and password."""
        return f"postgresql:///{self.database}?host={self.server.socket_dir}&port={self.server.port}"

    @property
    def guard(self) -> Path:
        """The guard file that processes on the same host share."""
        return self.home / "guard"

    @property
    def tiles(self) -> Path:
        """The folder that processes publish into when their settings say so."""
        return self.home / "tiles"

    @property
    def verifier(self) -> Ed25519Verifier:
        """What checks the log's own signature."""
        return NoteSigner(ORIGIN, self.key).verifier()

    @property
    def key(self) -> Ed25519PrivateKey:
        """The log's own key."""
        key = load_pem_private_key(self.secrets.signing_key_file("log").read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        return key

    def start(
        self, *, crash: Crash | None = None, limit: Callable[[], None] = nothing, **settings: object
    ) -> LedgerProcess:
        """Start a process; it need not be ready when this returns. ``settings`` differ from the others'."""
        folder = Path(tempfile.mkdtemp(prefix="l", dir=self.home))
        every: dict[str, object] = {
            "database_url": self.database_url,
            "writer_password_file": self.secrets.password_file("exchange_ledger_writer"),
            "relay_password_file": self.secrets.password_file("exchange_ledger_relay"),
            "origin": ORIGIN,
            "log_key_file": self.secrets.signing_key_file("log"),
            "key_encryption_key_file": self.secrets.key_file("key-encryption"),
            "blind_index_key_file": self.secrets.key_file("blind-index"),
            "guard_file": self.guard,
            **{f"{caller}_door": f"unix:{folder / caller}.sock" for caller in CALLERS},
            **self.more_settings,
            **settings,
        }
        process = _PROCESSES.Process(
            target=be_a_ledger, args=(every, str(folder / "log"), crash or Crash(None), limit), daemon=True
        )
        process.start()
        started = LedgerProcess(process, folder)
        self.processes.append(started)
        return started

    async def writing(self, **settings: object) -> LedgerProcess:
        """Start a process and return it once it writes."""
        started = self.start(**settings)  # type: ignore[arg-type]
        await started.stands("writing")
        return started

    async def audit(self) -> Report:
        """Return what a full check finds, held against the guard as well."""
        guarded = GuardFile(self.guard).recall()
        assert guarded is not None
        password = self.secrets.role_passwords()["exchange_auditor"]
        async with open_stored_log(self.database_url, user="exchange_auditor", password=password) as stored:
            return await verify_log(
                stored,
                verifiers=[self.verifier],
                older_notes=[guarded.checkpoint],
            )

    @asynccontextmanager
    async def sql(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """Give a superuser's connection."""
        connection = await asyncpg.connect(self.server.dsn(self.database))
        try:
            yield connection
        finally:
            await connection.close()

    async def cut_off_writers(self) -> None:
        """End the writers' sessions in the database, as a failing network would."""
        async with self.sql() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'exchange-ledger-writer'"
            )

    def stop(self) -> None:
        """End every process."""
        for each in self.processes:
            if each.process.is_alive():
                each.signal(signal.SIGCONT)
            each.kill()


@contextmanager
def migrated_template(server: EmbeddedPostgres) -> Iterator[tuple[str, SecretFiles]]:
    """Give the name of a migrated database that others are copied from, and the secrets that go with it."""
    home = Path(tempfile.mkdtemp(prefix="exchange-lean-"))
    secrets = SecretFiles(home)
    name = f"template_{os.getpid()}_{os.urandom(4).hex()}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        asyncio.run(migrate(server.dsn(name), passwords=secrets.role_passwords()))
        yield name, secrets
    finally:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def lean_ledger(
    server: EmbeddedPostgres, template: str, secrets: SecretFiles, *, tablespace: str = "pg_default"
) -> Iterator[LeanLedger]:
    """Give a log of its own, empty, with no process yet; end and drop everything afterwards."""
    name = f"lean_{os.getpid()}_{os.urandom(4).hex()}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {tablespace}")
    home = Path(tempfile.mkdtemp(prefix="lean-"))
    ledger = LeanLedger(server, name, home, secrets)
    try:
        yield ledger
    finally:
        ledger.stop()
        server.start()
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        shutil.rmtree(home, ignore_errors=True)
