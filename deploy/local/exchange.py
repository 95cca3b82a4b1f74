"""The whole exchange on one machine: database, broker and the three services, put together and taken apart."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import URL, make_url

from deploy.local.addresses import Addresses
from deploy.local.broker import Broker, BrokerChoice, BrokerKind, choose_broker, make_broker
from deploy.local.layout import Layout
from deploy.local.occupancy import Occupancy
from deploy.local.placement import socket_directory
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.readiness import ReadinessCheck, socket_accepts, url_answers
from deploy.local.secret_files import SecretFiles
from deploy.local.supervisor import ChildSpec, Supervisor
from deploy.migrate import migrate
from shared.errors import InvalidInput, Unavailable
from shared.ledger.client import LedgerClient
from shared.process.address import UnixAddress
from shared.process.remote import Remote
from shared.process.secret_files import read_secret
from shared.transparency.signed_note import NoteSigner

DATABASE = "exchange"
SERVICES = ("ledger", "notifier", "gateway")
"""The services, in the order they depend on one another."""
DEFAULT_PORT = 8480
LONGEST_SOCKET_NAME = "notifier-operator.sock"

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ between one machine and another. ``settings`` are added to every service's environment."""

    port: int = DEFAULT_PORT
    origin: str = "exchange.localhost/ledger"
    settings: Mapping[str, str] | None = None


class LocalExchange:
    """One installation under one folder. ``start`` and ``stop`` may be repeated; the folder keeps the data.

    ``DATABASE_URL`` and ``KAFKA_BOOTSTRAP_SERVERS`` in ``environment`` name servers that others run; without them both
    are started here. ``LEDGER_LOG_KEY_FILE`` names a log key other than the folder's own, and so for every setting of a
    service that is not given here: ``environment_of_its_own`` has none. Raises Conflict when the
    folder is in use, InvalidInput for a wrong log key, Unavailable when a part does not come up.
    """

    def __init__(
        self, layout: Layout, *, announce: Announce, environment: Mapping[str, str] | None = None, options: Options
    ) -> None:
        self.layout = layout
        self.options = options
        self.secrets = SecretFiles(layout.secrets)
        self._environment = os.environ if environment is None else environment
        self._announce = announce
        self._occupancy = Occupancy(layout.home)
        self._supervisor = Supervisor(layout.logs, announce=announce, environment=self._environment)
        self.postgres: EmbeddedPostgres | None = None
        self.broker: Broker | None = None
        self.broker_choice: BrokerChoice = choose_broker(self._environment)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def gateway_url(self) -> str:
        """Where agencies post."""
        return f"http://127.0.0.1:{self.options.port}"

    @property
    def sockets(self) -> Path:
        """The folder of the services' Unix sockets."""
        return socket_directory(self.layout.run, longest_name=LONGEST_SOCKET_NAME)

    def ledger_client(self, caller: str = "operator") -> LedgerClient:
        """Return a client that comes in by a caller's door: ``operator`` or ``auditor`` for people."""
        return LedgerClient(Remote(UnixAddress(self.sockets / f"ledger-{caller}.sock"), timeout_s=30))

    async def start(self) -> None:
        """Bring everything up and return when it answers."""
        self.layout.create()
        self._occupancy.claim()
        try:
            self.log_verifier_key()
            self._start_database()
            await migrate(self.admin_url, passwords=self.secrets.role_passwords())
            self.start_broker()
            await self.start_service("ledger")
            await asyncio.gather(self.start_service("notifier"), self.start_service("gateway"))
            self._write_addresses()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take everything down, the last started first. Idempotent; the data stays."""
        self.layout.addresses_file.unlink(missing_ok=True)
        await self._supervisor.stop()
        if self.broker is not None:
            self.broker.stop()
            self.broker = None
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres = None
        self._occupancy.release()

    def destroy(self) -> None:
        """Delete a stopped installation with all its data."""
        EmbeddedPostgres(self.layout.postgres, password_file=self.layout.superuser_password_file).destroy()
        shutil.rmtree(self.layout.home, ignore_errors=True)

    @property
    def log_key_file(self) -> Path:
        """The file of the key that signs the log: what LEDGER_LOG_KEY_FILE names, or else one in this folder.

        Once the log's key was rotated, the folder's own is the old one: every start must name the new one.
        """
        named = {**self._environment, **(self.options.settings or {})}.get("LEDGER_LOG_KEY_FILE", "")
        return Path(named) if named else self.secrets.signing_key_file("ledger-log")

    def log_verifier_key(self) -> str:
        """Return the log's verifier key, from its key file and not from the database.

        Raises InvalidInput when the file cannot be read or holds no such key.
        """
        file = self.log_key_file
        try:
            key = load_pem_private_key(read_secret(file), password=None)
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"the log's key file {file} is not a PKCS#8 PEM private key") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidInput(f"the log's key file {file} must hold an Ed25519 key")
        return NoteSigner(self.options.origin, key).verifier().verifier_key()

    def _write_addresses(self) -> None:
        addresses = Addresses(
            gateway_url=self.gateway_url,
            sockets=str(self.sockets),
            database_url=self.database_url,
            log_key=self.log_verifier_key(),
            auditor_password_file=str(self.secrets.password_file("exchange_auditor")),
            guard_file=str(self.guard_file),
        )
        self.layout.addresses_file.write_bytes(msgspec.json.encode(addresses))

    @property
    def admin_url(self) -> str:
        """A database URL that may create roles; carries a password, so it is never printed."""
        if self.postgres is not None:
            return self.postgres.dsn(DATABASE)
        return self._environment["DATABASE_URL"]

    @property
    def database_url(self) -> str:
        """The database's URL without user and password, as the services are given it."""
        url = make_url(self.admin_url)
        return URL.create(
            "postgresql", host=url.host, port=url.port, database=url.database, query=url.query
        ).render_as_string()

    def start_broker(self) -> None:
        """Start the broker, if it is ours; an embedded one has a new address each time."""
        self.broker = make_broker(self.broker_choice, layout=self.layout)
        if self.broker_choice.kind is not BrokerKind.EXTERNAL:
            self._announce(f"broker: {self.broker_choice.reason}")
        self.broker.start()

    async def start_service(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """Start one of SERVICES and return when it answers."""
        await self._supervisor.start(
            ChildSpec(
                name=name,
                argv=[sys.executable, "-m", f"services.{name}"],
                environment={**self.service_environment(name), **(self.options.settings or {}), **(settings or {})},
                ready=self._readiness(name),
            )
        )

    async def stop_service(self, name: str) -> None:
        """Stop one of SERVICES. Idempotent."""
        await self._supervisor.stop_child(name)

    async def start_child(self, spec: ChildSpec) -> None:
        """Start a process beside the services, such as a demonstration's receiver."""
        await self._supervisor.start(spec)

    def pid(self, name: str) -> int:
        """Return the process number that a service has now. Raises Unavailable when it has none."""
        return self._supervisor.pid(name)

    def service_environment(self, name: str) -> Mapping[str, str]:
        """Return the settings that a service is started with: addresses, and the files that hold secrets."""
        if self.broker is None:
            raise Unavailable("the broker has not been started")
        match name:
            case "ledger":
                return self._ledger_environment(self.broker)
            case "notifier":
                return self._notifier_environment(self.broker)
            case _:
                return self._gateway_environment()

    def _start_database(self) -> None:
        if self._environment.get("DATABASE_URL", ""):
            self._announce("database: the server that DATABASE_URL names")
            return
        self.postgres = EmbeddedPostgres(
            self.layout.postgres,
            password_file=self.layout.superuser_password_file,
            log_file=self.layout.log_file("postgres"),
        )
        self.postgres.start()
        self._announce(f"database: {self.postgres.placement}")
        known = self.postgres.execute(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")  # noqa: S608
        if not known.strip():
            self.postgres.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")

    def _ledger_environment(self, broker: Broker) -> dict[str, str]:
        return {
            "LEDGER_DATABASE_URL": self.database_url,
            "LEDGER_WRITER_PASSWORD_FILE": str(self.secrets.password_file("exchange_ledger_writer")),
            "LEDGER_RELAY_PASSWORD_FILE": str(self.secrets.password_file("exchange_ledger_relay")),
            "LEDGER_REWRAPPER_PASSWORD_FILE": str(self.secrets.password_file("exchange_ledger_rewrapper")),
            "LEDGER_ORIGIN": self.options.origin,
            "LEDGER_LOG_KEY_FILE": str(self.log_key_file),
            "LEDGER_KEY_ENCRYPTION_KEY_FILE": str(self.secrets.key_file("ledger-key-encryption")),
            "LEDGER_BLIND_INDEX_KEY_FILE": str(self.secrets.key_file("ledger-blind-index")),
            "LEDGER_GUARD_FILE": str(self.guard_file),
            "LEDGER_TILES_DIRECTORY": str(self.layout.tiles),
            "LEDGER_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            **{
                f"LEDGER_{caller.upper()}_DOOR": f"unix:{self.sockets}/ledger-{caller}.sock"
                for caller in ("gateway", "notifier", "operator", "auditor")
            },
        }

    @property
    def guard_file(self) -> Path:
        """The ledger's memory of what it signed, outside the database."""
        return self.layout.home / "ledger-guard"

    def _notifier_environment(self, broker: Broker) -> dict[str, str]:
        return {
            "NOTIFIER_DATABASE_URL": self.database_url,
            "NOTIFIER_PASSWORD_FILE": str(self.secrets.password_file("exchange_notifier")),
            "NOTIFIER_LEDGER_ADDRESS": f"unix:{self.sockets}/ledger-notifier.sock",
            "NOTIFIER_OPERATOR_DOOR": f"unix:{self.sockets}/notifier-operator.sock",
            "NOTIFIER_SIGNING_KEY_FILE": str(self.secrets.signing_key_file("notifier-push")),
            "NOTIFIER_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            # Everything here is on one machine, so that endpoints are on the loopback address.
            "NOTIFIER_PUSH_ALLOW_PRIVATE_ADDRESSES": "true",
        }

    def _gateway_environment(self) -> dict[str, str]:
        return {
            "GATEWAY_PORT": str(self.options.port),
            "GATEWAY_LEDGER_ADDRESS": f"unix:{self.sockets}/ledger-gateway.sock",
            "GATEWAY_SIGNING_KEY_FILE": str(self.secrets.signing_key_file("gateway-answers")),
        }

    def _readiness(self, name: str) -> ReadinessCheck:
        match name:
            case "ledger":
                return self._ledger_writes
            case "notifier":
                return socket_accepts(self.sockets / "notifier-operator.sock")
            case _:
                return url_answers(f"{self.gateway_url}/readyz")

    async def _ledger_writes(self) -> bool:
        """Whether the ledger has taken office: reading it can be done before, but not which keys sign from now on."""
        client = self.ledger_client()
        try:
            return (await client.standing()).standing == "writing"
        except Unavailable:
            return False
        finally:
            await client.close()
