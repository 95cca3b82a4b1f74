"""Joins the gateway's parts: the one place that knows them all."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.acknowledge_notification import NotificationAcknowledger
from services.gateway.admit_request import Admission
from services.gateway.amend_record import RecordAmender
from services.gateway.api.amendments import add_amendment_routes
from services.gateway.api.answers import Answering
from services.gateway.api.app import GatewayApi, make_app
from services.gateway.api.assessments import AssessmentApi, add_assessment_route
from services.gateway.api.audit import AuditApi, add_audit_routes
from services.gateway.api.children import ChildrenApi, add_children_routes
from services.gateway.api.dangers import Dangers
from services.gateway.api.metrics import show_metrics
from services.gateway.api.own_agency import add_own_agency_routes
from services.gateway.api.reading_back import add_reading_back_routes
from services.gateway.api.signed_requests import SignedRequests
from services.gateway.assess_decision import DecisionAssessor
from services.gateway.domain.placing import Directories
from services.gateway.known_keys import KnownKeys
from services.gateway.limit_requests import RequestLimits
from services.gateway.own_agency import OwnAgency
from services.gateway.ports import Ledger
from services.gateway.read_case import CaseReader
from services.gateway.read_ledger import LedgerReader
from services.gateway.read_record import RecordReader
from services.gateway.record_decision import DecisionRecorder
from services.gateway.sandbox.routes import SandboxApi, add_sandbox_routes
from shared.clock import Clock, SystemClock
from shared.errors import InvalidInput
from shared.fresh_ids import new_entry_id
from shared.ledger.reaching import ledger_at
from shared.process.address import Address, TlsAddress, TlsFiles, parse_addresses
from shared.process.secret_files import read_secret
from shared.process.serving import Door, HttpAddress, serve
from shared.process.settings import GatewaySettings
from shared.reference.authorities import load_register
from shared.reference.postcodes import load_postcodes
from shared.reference.rules import RuleBook, load_rules
from shared.signatures.keys import SigningKey, load_signing_key
from shared.stepped_clock import SteppedClock, clock_of


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway's parts over a ledger. ``known_keys`` must be followed while it runs."""

    known_keys: KnownKeys
    admission: Admission
    answering: Answering
    dangers: Dangers
    signed: SignedRequests
    recorder: DecisionRecorder
    api: GatewayApi


def make_gateway(
    *,
    ledger: Ledger,
    directories: Directories,
    book: RuleBook,
    key: SigningKey,
    clock: Clock,
    real_clock: Clock,
    authority: str,
    in_production: bool,
    limits: RequestLimits,
) -> Gateway:
    """Return the gateway's parts over a ledger.

    Decisions are judged at ``clock``; signatures are made and checked at ``real_clock``, which the senders' clocks
    agree with even while a sandbox's is ahead.
    """
    known_keys = KnownKeys(ledger, clock=clock)
    admission = Admission(known_keys=known_keys, ledger=ledger, limits=limits, clock=real_clock)
    answering = Answering(key=key, clock=real_clock)
    dangers = Dangers(directories=directories, registry=known_keys.registry, clock=clock)
    signed = SignedRequests(admission=admission, answering=answering, dangers=dangers, authority=authority)
    recorder = DecisionRecorder(
        ledger=ledger,
        directories=directories,
        book=book,
        clock=clock,
        new_entry_id=new_entry_id,
        in_production=in_production,
    )
    api = GatewayApi(
        signed=signed,
        recorder=recorder,
        acknowledger=NotificationAcknowledger(
            ledger=ledger, registry=known_keys.registry, book=book, clock=clock, new_entry_id=new_entry_id
        ),
        registry=known_keys.registry,
        dangers=dangers,
        answer_key=key.public,
    )
    return Gateway(known_keys, admission, answering, dangers, signed, recorder, api)


async def run_gateway(settings: GatewaySettings, *, stop: asyncio.Event) -> None:
    """Be the gateway until ``stop`` is set. Raises InvalidInput for wrong settings."""
    if settings.production and settings.sandbox_clock_file is not None:
        raise InvalidInput("a gateway in production cannot be a sandbox", remedy="Leave one of the two settings out.")
    clock = clock_of(settings.sandbox_clock_file)
    addresses = parse_addresses(settings.ledger_address)
    ledger = ledger_at(addresses, timeout_s=settings.ledger_timeout_s, tls=_tls(settings, addresses))
    register = load_register()
    directories = Directories(register, load_postcodes(register, file=settings.postcode_file))
    book = load_rules()
    authority = (settings.authority or f"{settings.host}:{settings.port}").lower()
    gateway = make_gateway(
        ledger=ledger,
        directories=directories,
        book=book,
        key=load_signing_key(read_secret(settings.signing_key_file)),
        clock=clock,
        real_clock=SystemClock(),
        authority=authority,
        in_production=settings.production,
        limits=RequestLimits(
            per_minute=settings.requests_per_minute,
            reads_per_minute=settings.reads_per_minute,
            immediate_danger_per_minute=settings.immediate_danger_per_minute,
            monotonic_s=time.monotonic,
        ),
    )
    known_keys, signed = gateway.known_keys, gateway.signed
    following = asyncio.create_task(known_keys.follow(), name="keys")
    try:
        door = Door("agencies", HttpAddress(settings.host, settings.port))
        app = make_app(gateway.api)
        show_metrics(app, port=settings.metrics_port)
        assessor = DecisionAssessor(
            ledger=ledger,
            directories=directories,
            book=book,
            clock=clock,
            in_production=settings.production,
        )
        add_assessment_route(app, AssessmentApi(signed=signed, assessor=assessor))
        amender = RecordAmender(ledger=ledger, recorder=gateway.recorder, in_production=settings.production)
        add_amendment_routes(app, signed, dangers=gateway.dangers, amender=amender)
        add_reading_back_routes(app, signed, reader=RecordReader(ledger=ledger, directories=directories, clock=clock))
        own = OwnAgency(ledger=ledger, registry=known_keys.registry, clock=clock, new_entry_id=new_entry_id)
        add_own_agency_routes(app, signed, own=own)
        case_reader = CaseReader(ledger=ledger, directories=directories, clock=clock, in_production=settings.production)
        add_children_routes(app, ChildrenApi(signed=signed, reader=case_reader))
        add_audit_routes(app, AuditApi(signed=signed, reader=LedgerReader(ledger=ledger, clock=clock)))
        if isinstance(clock, SteppedClock):
            sandbox = SandboxApi(authority=authority, known_keys=known_keys, clock=clock, real=SystemClock())
            add_sandbox_routes(app, sandbox, answering=gateway.answering)
        await serve(app, [door], stop=stop)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await ledger.close()


def _tls(settings: GatewaySettings, addresses: Sequence[Address]) -> TlsFiles | None:
    if not any(isinstance(address, TlsAddress) for address in addresses):
        return None
    files = (settings.tls_certificate_file, settings.tls_private_key_file, settings.tls_peer_authority_file)
    certificate, private_key, authority = files
    if certificate is None or private_key is None or authority is None:
        raise InvalidInput("a tls:// address of the ledger needs a certificate, its key, and the ledger's authority")
    return TlsFiles(certificate, private_key, authority)
