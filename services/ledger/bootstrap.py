"""Joins the ledger's parts: the one place that knows them all."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import start_http_server
from starlette.types import ASGIApp

from services.ledger.adapters.guard_file import GuardFile
from services.ledger.adapters.http_witnesses import HttpWitnesses, read_policy
from services.ledger.adapters.kafka_relay import KafkaRelay, RelaySettings
from services.ledger.adapters.postgres_children import PostgresChildren
from services.ledger.adapters.postgres_data_keys import PostgresDataKeys
from services.ledger.adapters.postgres_log import PostgresLog
from services.ledger.adapters.postgres_pool import postgres_pool
from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.adapters.postgres_reviews import PostgresReviews
from services.ledger.adapters.tile_files import TileFiles
from services.ledger.adapters.writer_session import WRITER_ROLE
from services.ledger.api.app import NothingPublished, make_app
from services.ledger.api.children import ChildrenApi
from services.ledger.api.parts import LedgerParts
from services.ledger.as_recorded import AsPublished
from services.ledger.ask_who_knew import WhoKnewAnswerer
from services.ledger.break_glass import GlassBreaker
from services.ledger.check_own_keys import OwnKeyChecker
from services.ledger.continuity import Continuity
from services.ledger.doors import doors
from services.ledger.keys import log_signers, open_secrets
from services.ledger.no_witnesses import NoWitnesses
from services.ledger.open_section import SectionOpener
from services.ledger.open_signatures import SignatureOpener
from services.ledger.ports import DataKeyStore, Witnesses
from services.ledger.prepare_append import AppendPreparer, Secrets
from services.ledger.prove_auditor import AuditorProver
from services.ledger.proven_entries import ProvenEntries
from services.ledger.publish_tiles import TilePublisher
from services.ledger.reading.joined import CommittedRegistry, join_reading, names_in_force
from services.ledger.reading.sight_of_told import SightOfTold
from services.ledger.record_opening import OpeningRecorder
from services.ledger.request_queue import Queue
from services.ledger.rotate_encryption_key import EncryptionKeyRotation
from services.ledger.term import LogIdentity, Writer
from services.ledger.watched_clock import WatchedClock
from shared.clock import SystemClock, parse_rfc3339, rfc3339
from shared.errors import InvalidInput
from shared.identifiers import TreeSize, parse_account
from shared.ledger.registry_copy import RegistryCopy
from shared.process.parts import run_until_first_ends
from shared.process.secret_files import read_password
from shared.process.serving import serve
from shared.process.settings import LedgerSettings
from shared.reference.authorities import load_register
from shared.stepped_clock import clock_of
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint, sign_checkpoint

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
            postgres_pool(settings.database_url, user=WRITER_ROLE, password=writer_password, size=READERS)
        )
        reader = PostgresReader(pool)
        preparer = AppendPreparer(secrets=secrets, data_keys=reader, random=os.urandom)
        queue = Queue()
        files = published_files(settings)
        tiles = files or NothingPublished()
        published = AsPublished(tiles, [signer.verifier() for signer in log_signers(settings)])
        writer = make_writer(settings, secrets, password=writer_password, reader=reader, preparer=preparer, queue=queue)
        recorder = OpeningRecorder(preparer, queue, os.urandom)
        clock = clock_of(settings.sandbox_clock_file)
        now_named = names_in_force(load_register(), clock=clock)
        sight = SightOfTold(reader, ProvenEntries(published), now_named=now_named)
        opener = SectionOpener(reader=reader, recorder=recorder, secrets=secrets, sight=sight)
        prover = AuditorProver(writer.registry, clock)
        breaker = GlassBreaker(prover=prover, opener=opener, recorder=recorder)
        signatures = SignatureOpener(reader=reader, prover=prover, opener=opener, recorder=recorder)
        registry = RegistryCopy(CommittedRegistry(reader))
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
                PostgresReviews(pool),
                ChildrenApi(PostgresChildren(pool), blind_index=secrets.blind_index),
                preparer,
                queue,
                opener,
                breaker,
                OwnKeyChecker(registry=writer.registry, clock=clock),
                signatures,
                writer,
                rotation,
                join_reading(
                    reader,
                    registry=registry,
                    published=published,
                    opener=opener,
                    preparer=preparer,
                    queue=queue,
                    secrets=secrets,
                    now_named=now_named,
                    clock=clock,
                    real_clock=SystemClock(),
                ),
                secrets.blind_index,
                tiles,
                published,
                WhoKnewAnswerer(reader, published, registry),
                frozenset(filter(None, settings.approver_keys_recovered.split(","))),
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
    watched_clock = WatchedClock(SystemClock())
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
        # A sandbox's steps are its users': only the machine's own clock may not leap.
        clock=clock_of(settings.sandbox_clock_file, real=watched_clock),
        watched_clock=watched_clock,
        identity=LogIdentity(
            settings.origin,
            tuple(signer.verifier().verifier_key() for signer in signers),
            rfc3339(parse_rfc3339(compromised)) if (compromised := settings.log_key_compromised_from) else None,
            _changed_by(settings.log_key_changed_by),
        ),
        sign_head=lambda size, root: sign_checkpoint(Checkpoint(settings.origin, TreeSize(size), root), signers),
        random=os.urandom,
        queue=queue,
        published=files.published if files is not None else lambda: None,
    )


def _changed_by(account: str) -> str | None:
    try:
        return parse_account(account) if account else None
    except InvalidInput as error:
        raise InvalidInput(f"LEDGER_LOG_KEY_CHANGED_BY: {error.detail}", remedy=error.remedy) from error


def published_files(settings: LedgerSettings) -> TileFiles | None:
    """Return the folder that is published into, or None when nothing is to be published."""
    return TileFiles(settings.tiles_directory) if settings.tiles_directory is not None else None


def _adopted(path: Path | None) -> Checkpoint | None:
    if path is None:
        return None
    try:
        return read_unverified_checkpoint(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"the checkpoint file {path.name} cannot be read: {error.strerror}") from error


@contextlib.asynccontextmanager
async def _data_keys(settings: LedgerSettings, password_file: Path) -> AsyncIterator[DataKeyStore]:
    password = read_password(password_file)
    async with postgres_pool(settings.database_url, user=REWRAPPER_ROLE, password=password, size=1) as pool:
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
    async with postgres_pool(settings.database_url, user=RELAY_ROLE, password=password, size=2) as pool:
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
