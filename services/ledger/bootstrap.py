"""Joins the ledger's parts: the one place that knows them all."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from prometheus_client import start_http_server
from starlette.types import ASGIApp

from services.ledger.adapters.guard_file import GuardFile
from services.ledger.adapters.http_witnesses import HttpWitnesses, read_policy
from services.ledger.adapters.kafka_relay import KafkaRelay, RelaySettings
from services.ledger.adapters.key_file import KeyFile
from services.ledger.adapters.key_moved import MovedKeys
from services.ledger.adapters.postgres_data_keys import PostgresDataKeys
from services.ledger.adapters.postgres_log import PostgresLog
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.adapters.tile_files import TileFiles
from services.ledger.adapters.writer_session import WRITER_ROLE
from services.ledger.api.app import LedgerParts, NothingPublished, make_app
from services.ledger.append_entries import Queue
from services.ledger.break_glass import GlassBreaker
from services.ledger.continuity import Continuity
from services.ledger.doors import doors
from services.ledger.key_ring import KeyRing
from services.ledger.no_witnesses import NoWitnesses
from services.ledger.open_section import SectionOpener
from services.ledger.open_signatures import SignatureOpener
from services.ledger.ports import DataKeyStore, KeyEncryption, Witnesses
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.publish_tiles import TilePublisher
from services.ledger.rotate_encryption_key import EncryptionKeyRotation
from services.ledger.term import LogIdentity, Writer
from shared.clock import SystemClock
from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.process.parts import run_until_first_ends
from shared.process.serving import serve
from shared.process.settings import LedgerSettings, read_password, read_secret
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint, sign_checkpoint
from shared.transparency.signed_note import NoteSigner

KEY_BYTES = 32
READERS = 16
RELAY_ROLE = "exchange_ledger_relay"
REWRAPPER_ROLE = "exchange_ledger_rewrapper"


@dataclass(slots=True)
class Ledger:
    """The parts of one ledger process, joined and not yet running."""

    settings: LedgerSettings
    writer: Writer
    app: ASGIApp
    relay: KafkaRelay | None
    publisher: TilePublisher | None

    async def run(self, *, stop: asyncio.Event) -> None:
        """Stand for election, write, relay, and answer at the doors until ``stop`` is set.

        Raises IntegrityFailure when what is found must not be signed.
        """
        tasks = [self.writer.serve(), serve(self.app, doors(self.settings), stop=stop)]
        followers = [each for each in (self.relay, self.publisher) if each is not None]
        self.writer.on_release = lambda: _wake_all(followers)
        tasks.extend(each.run() for each in followers)
        if self.settings.metrics_port:
            start_http_server(self.settings.metrics_port, addr="127.0.0.1")
        await run_until_first_ends(tasks)


async def run_ledger(settings: LedgerSettings, *, stop: asyncio.Event) -> None:
    """Be the ledger until ``stop`` is set. Raises InvalidInput for wrong settings, and what ``Ledger.run`` raises."""
    async with joined(settings) as ledger:
        await ledger.run(stop=stop)


@contextlib.asynccontextmanager
async def joined(settings: LedgerSettings) -> AsyncIterator[Ledger]:
    """Give a ledger's parts, joined. Raises InvalidInput for wrong settings."""
    secrets = open_secrets(settings)
    writer_password = read_password(settings.writer_password_file)
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            _pool(settings.database_url, user=WRITER_ROLE, password=writer_password, size=READERS)
        )
        reader = PostgresReader(pool)
        preparer = AppendPreparer(secrets=secrets, data_keys=reader, random=os.urandom)
        queue = Queue()
        files = published_files(settings)
        writer = make_writer(settings, secrets, password=writer_password, reader=reader, preparer=preparer, queue=queue)
        opener = SectionOpener(reader=reader, preparer=preparer, queue=queue, secrets=secrets, random=os.urandom)
        breaker = GlassBreaker(
            reader=reader, opener=opener, preparer=preparer, queue=queue, random=os.urandom, clock=SystemClock()
        )
        signatures = SignatureOpener(reader=reader, opener=opener, preparer=preparer, queue=queue, random=os.urandom)
        rotation = None
        if settings.rewrapper_password_file is not None:
            rotation = EncryptionKeyRotation(
                key_ring=secrets.key_ring,
                preparer=preparer,
                queue=queue,
                data_keys=await stack.enter_async_context(_data_keys(settings, settings.rewrapper_password_file)),
                recorded=reader,
                random=os.urandom,
            )
        app = make_app(
            LedgerParts(
                reader,
                preparer,
                queue,
                opener,
                breaker,
                signatures,
                writer,
                rotation,
                secrets.blind_index_key,
                files or NothingPublished(),
            )
        )
        relay = None
        if settings.kafka_bootstrap_servers:
            relay = await stack.enter_async_context(_relay(settings))
        publisher = None
        if files is not None:
            witnesses = await stack.enter_async_context(_witnesses(settings))
            publisher = TilePublisher(
                files=files, entries=reader, witnesses=witnesses, released=lambda: writer.released_head
            )
        yield Ledger(settings, writer, app, relay, publisher)


def make_writer(
    settings: LedgerSettings,
    secrets: Secrets,
    *,
    password: str,
    reader: PostgresReader,
    preparer: AppendPreparer,
    queue: Queue,
) -> Writer:
    """Return a writer over the settings' database, key and guard; run its ``serve``."""
    signers = log_signers(settings)
    files = published_files(settings)
    guard = GuardFile(settings.guard_file)
    return Writer(
        connect=lambda: PostgresLog.connect(settings.database_url, password=password),
        reader=reader,
        guard=guard,
        continuity=Continuity(
            guard=guard,
            reader=reader,
            origin=settings.origin,
            verifiers=[signer.verifier() for signer in signers],
            adopt_size=settings.adopt_size,
            adopted=_adopted(settings.adopt_checkpoint_file),
        ),
        preparer=preparer,
        key_ring=secrets.key_ring,
        clock=SystemClock(),
        identity=LogIdentity(settings.origin, tuple(signer.verifier().verifier_key() for signer in signers)),
        sign_head=lambda size, root: sign_checkpoint(Checkpoint(settings.origin, TreeSize(size), root), signers),
        random=os.urandom,
        queue=queue,
        published=files.published if files is not None else lambda: None,
    )


def published_files(settings: LedgerSettings) -> TileFiles | None:
    """Return the folder that is published into, or None when nothing is to be published."""
    return TileFiles(settings.tiles_directory) if settings.tiles_directory is not None else None


def open_secrets(settings: LedgerSettings) -> Secrets:
    """Return the keys that only the ledger holds. Raises InvalidInput when a setting or a file is wrong."""
    return Secrets(KeyRing(key_encryption(settings), random=os.urandom), _key(settings.blind_index_key_file))


def key_encryption(settings: LedgerSettings) -> KeyEncryption:
    """Return the keeper of the key-encryption keys that the settings name. Raises InvalidInput when they are wrong."""
    file = settings.key_encryption_key_file
    in_file = KeyFile(file) if file is not None else None
    if settings.key_encryption == "file":
        if in_file is None:
            raise InvalidInput("LEDGER_KEY_ENCRYPTION_KEY_FILE is not set", remedy="See docs/operations.md.")
        return in_file
    in_token = _key_pkcs11(settings)
    return MovedKeys(now=in_token, before=in_file) if in_file is not None else in_token


def _key_pkcs11(settings: LedgerSettings) -> KeyEncryption:
    module, pin_file = settings.pkcs11_module, settings.pkcs11_pin_file
    if module is None or not module.exists() or pin_file is None or not settings.pkcs11_token:
        raise InvalidInput(
            "an HSM needs LEDGER_PKCS11_MODULE (a file that is there), LEDGER_PKCS11_TOKEN and LEDGER_PKCS11_PIN_FILE",
            remedy="See docs/operations.md.",
        )
    try:
        # Only an installation that has an HSM has the library for it.
        from services.ledger.adapters.key_pkcs11 import KeyPkcs11, Token
    except ImportError as error:
        raise InvalidInput(
            "python-pkcs11 is not installed", remedy="Install this package with its extra: hsm."
        ) from error
    return KeyPkcs11(
        Token(
            module=str(module),
            label=settings.pkcs11_token,
            pin=read_password(pin_file),
            key_label=settings.pkcs11_key_label,
            timeout_s=settings.pkcs11_timeout_s,
        )
    )


def log_signer(settings: LedgerSettings) -> NoteSigner:
    """Return what signs the log's checkpoints. Raises InvalidInput when its key file holds no Ed25519 key."""
    return NoteSigner(settings.origin, _log_key(settings.log_key_file))


def _adopted(path: Path | None) -> Checkpoint | None:
    if path is None:
        return None
    try:
        return read_unverified_checkpoint(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"the checkpoint file {path.name} cannot be read: {error.strerror}") from error


def log_signers(settings: LedgerSettings) -> list[NoteSigner]:
    """Return all that sign the log's checkpoints: the key in use and, while it is rotated, the next one.

    Raises InvalidInput when a key file holds no Ed25519 key.
    """
    following = settings.log_key_next_file
    return [log_signer(settings), *([NoteSigner(settings.origin, _log_key(following))] if following else [])]


@contextlib.asynccontextmanager
async def _data_keys(settings: LedgerSettings, password_file: Path) -> AsyncIterator[DataKeyStore]:
    password = read_password(password_file)
    async with _pool(settings.database_url, user=REWRAPPER_ROLE, password=password, size=1) as pool:
        yield PostgresDataKeys(pool)


@contextlib.asynccontextmanager
async def _witnesses(settings: LedgerSettings) -> AsyncIterator[Witnesses]:
    if settings.witness_policy_file is None:
        yield NoWitnesses()
        return
    witnesses = HttpWitnesses(
        read_policy(settings.witness_policy_file),
        log_keys=[signer.verifier() for signer in log_signers(settings)],
        timeout_s=settings.witness_timeout_s,
        clock=SystemClock(),
    )
    try:
        yield witnesses
    finally:
        await witnesses.close()


@contextlib.asynccontextmanager
async def _relay(settings: LedgerSettings) -> AsyncIterator[KafkaRelay]:
    password = read_password(settings.relay_password_file)
    async with _pool(settings.database_url, user=RELAY_ROLE, password=password, size=2) as pool:
        yield KafkaRelay(
            pool,
            RelaySettings(
                bootstrap_servers=settings.kafka_bootstrap_servers,
                topic=settings.kafka_topic,
                partitions=settings.kafka_partitions,
                replication=settings.kafka_replication,
                origin=settings.origin,
            ),
        )


def _wake_all(followers: Sequence[KafkaRelay | TilePublisher]) -> None:
    for follower in followers:
        follower.wake()


async def _keep(_connection: object) -> None:
    """Leave a connection as it is between uses: nothing here changes its state, and resetting costs a round trip."""


@contextlib.asynccontextmanager
async def _pool(dsn: str, *, user: str, password: str, size: int) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    pool = await asyncpg.create_pool(dsn, user=user, password=password, min_size=0, max_size=size, reset=_keep)
    try:
        yield pool
    finally:
        pool.terminate()


def _key(path: Path) -> bytes:
    key = read_secret(path)
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"the key file {path.name} must hold exactly {KEY_BYTES} bytes")
    return key


def _log_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"the key file {path.name} is not a PKCS#8 PEM private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"the key file {path.name} must hold an Ed25519 key")
    return key
