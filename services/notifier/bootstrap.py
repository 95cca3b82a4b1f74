"""Joins the notifier's parts: the one place that knows them all."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine

from prometheus_client import start_http_server
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.notifier.adapters.http_push import HttpPush, PrivateAddresses
from services.notifier.adapters.kafka_intake import IntakeSettings, KafkaIntake
from services.notifier.adapters.postgres_channels import PostgresChannels
from services.notifier.adapters.postgres_facts import PostgresFacts
from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.adapters.postgres_states import PostgresStates
from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.adapters.postgres_turns import PostgresTurns
from services.notifier.adapters.postgres_withholdings import PostgresWithholdings
from services.notifier.api.operator import make_app
from services.notifier.append_facts import FactAppender
from services.notifier.correct_states import StateCorrector
from services.notifier.deliver import Deliverer, Persistence
from services.notifier.facts import FactMaker
from services.notifier.make_event import EventMaker
from services.notifier.reconcile import Reconciler
from services.notifier.take_in import EntryTaker
from services.notifier.watch_channels import ChannelWatcher
from services.notifier.watch_clock import ClockWatcher
from services.notifier.watch_reviews import ReviewWatcher
from services.notifier.withholding_facts import WithholdingFacts
from shared.clock import Clock, SystemClock
from shared.errors import InvalidInput, Unavailable
from shared.fresh_ids import new_entry_id
from shared.identifiers import AgencyId
from shared.ledger.client import LedgerClient
from shared.ledger.reaching import ledger_at
from shared.ledger.registry_copy import RegistryCopy
from shared.process.address import Address, TlsAddress, TlsFiles, parse_address, parse_addresses
from shared.process.parts import run_until_first_ends
from shared.process.secret_files import read_password, read_secret
from shared.process.serving import Door, serve
from shared.process.settings import NotifierSettings
from shared.reference.authorities import load_register
from shared.signatures.keys import load_signing_key
from shared.stepped_clock import clock_of

ROLE = "exchange_notifier"
CONNECTIONS = 20


async def run_notifier(settings: NotifierSettings, *, stop: asyncio.Event) -> None:
    """Be the notifier until ``stop`` is set. Raises InvalidInput for wrong settings."""
    clock = clock_of(settings.sandbox_clock_file)
    register = load_register()
    facts = FactMaker(register=register, new_entry_id=new_entry_id)
    ledger_addresses = parse_addresses(settings.ledger_address)
    async with contextlib.AsyncExitStack() as stack:
        engine = await stack.enter_async_context(_engine(settings))
        store = PostgresStore(engine)
        ledger = ledger_at(ledger_addresses, timeout_s=settings.ledger_timeout_s, tls=_tls(settings, *ledger_addresses))
        stack.push_async_callback(ledger.close)
        push = HttpPush(
            key=load_signing_key(read_secret(settings.signing_key_file)),
            # Receivers check a push by their own clocks, which a sandbox does not move.
            clock=SystemClock(),
            timeout_s=settings.push_timeout_s,
            private_addresses=PrivateAddresses(allowed=settings.push_allow_private_addresses),
            authority_file=settings.push_authority_file,
        )
        stack.push_async_callback(push.close)
        registry = RegistryCopy(ledger)
        withholdings = WithholdingFacts(new_entry_id=new_entry_id, nation_of=lambda agency: _nation(registry, agency))
        taker = EntryTaker(facts=facts, withholdings=withholdings, register=register, clock=clock)
        turns = PostgresTurns(engine)
        deliverer = Deliverer(
            turns=turns,
            events=EventMaker(ledger=ledger, registry=registry),
            push=push,
            registry=registry,
            facts=facts,
            clock=clock,
            persistence=Persistence(settings.push_retry_first_s, settings.push_retry_most_s, settings.push_timeout_s),
            jitter=random.SystemRandom().random,
        )
        tasks = [
            *_intake_tasks(settings, store=store, ledger=ledger, registry=registry, taker=taker, clock=clock),
            StateCorrector(states=PostgresStates(engine), ledger=ledger).run(),
            registry.follow(),
            deliverer.run(),
            ChannelWatcher(waiting=PostgresChannels(engine), registry=registry, facts=facts, clock=clock).run(),
            FactAppender(facts=PostgresFacts(engine), ledger=ledger, clock=clock).run(),
            ClockWatcher(silence=PostgresSilence(engine), facts=facts, clock=clock).run(),
            ReviewWatcher(withholdings=PostgresWithholdings(engine), facts=withholdings, clock=clock).run(),
            serve(make_app(store), [_operator_door(settings)], stop=stop),
        ]
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1")
        await run_until_first_ends(tasks)


def _nation(registry: RegistryCopy, agency: AgencyId) -> str:
    """Return an agency's nation; England's calendar is the one for an agency that is not known here yet."""
    known = registry.current.agencies.get(agency)
    return known.nation if known is not None else "England"


def _intake_tasks(
    settings: NotifierSettings,
    *,
    store: PostgresStore,
    ledger: LedgerClient,
    registry: RegistryCopy,
    taker: EntryTaker,
    clock: Clock,
) -> list[Coroutine[None, None, None]]:
    """Return the tasks that bring entries in: from Kafka if there is one, and by reconciling always."""
    if not settings.kafka_bootstrap_servers:
        alone = Reconciler(
            store=store,
            ledger=ledger,
            taker=taker,
            clock=clock,
            interval_s=settings.reconcile_interval_s,
            caught_up=None,
        )
        return [alone.run()]
    noticed: list[Reconciler] = []
    intake = KafkaIntake(
        store=store,
        ledger=ledger,
        taker=taker,
        settings=IntakeSettings(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            topic=settings.kafka_topic,
            group=settings.kafka_group,
            session_timeout_ms=settings.kafka_session_timeout_ms,
        ),
        lost=lambda: noticed[0].notice_loss(),
        origin=lambda: _origin(registry),
    )
    reconciler = Reconciler(
        store=store,
        ledger=ledger,
        taker=taker,
        clock=clock,
        interval_s=settings.reconcile_interval_s,
        caught_up=intake.caught_up,
    )
    noticed.append(reconciler)
    return [intake.run(), reconciler.run()]


def _origin(registry: RegistryCopy) -> str | None:
    """Return the ledger's name; None before it is known."""
    try:
        return registry.log_facts()[0]
    except Unavailable:
        return None


@contextlib.asynccontextmanager
async def _engine(settings: NotifierSettings) -> AsyncIterator[AsyncEngine]:
    url = make_url(settings.database_url).set(
        drivername="postgresql+asyncpg", username=ROLE, password=read_password(settings.password_file)
    )
    engine = create_async_engine(url, pool_size=CONNECTIONS, max_overflow=0, pool_pre_ping=True)
    try:
        yield engine
    finally:
        await engine.dispose()


def _operator_door(settings: NotifierSettings) -> Door:
    address = parse_address(settings.operator_door)
    return Door("operator", address, _tls(settings, address))


def _tls(settings: NotifierSettings, *addresses: Address) -> TlsFiles | None:
    if not any(isinstance(address, TlsAddress) for address in addresses):
        return None
    files = (settings.tls_certificate_file, settings.tls_private_key_file, settings.tls_peer_authority_file)
    certificate, private_key, authority = files
    if certificate is None or private_key is None or authority is None:
        raise InvalidInput("a tls:// address needs a certificate, its key, and the other side's authority")
    return TlsFiles(certificate, private_key, authority)
