"""A gateway process at which everything fails with a child's name: ``python -m tests.machinery.failing_gateway``."""

import asyncio
import gc
import sys
import time
from pathlib import Path

import msgspec
import uvloop
from fastapi import FastAPI, Request
from starlette.responses import Response

from services.gateway.api.app import make_app
from services.gateway.api.children import ChildrenApi, add_children_routes
from services.gateway.api.metrics import show_metrics
from services.gateway.api.signed_requests import Asked, SignedRequests
from services.gateway.bootstrap import make_gateway
from services.gateway.limit_requests import RequestLimits
from services.gateway.read_case import CaseReader
from shared.clock import SystemClock
from shared.errors import IntegrityFailure, Unavailable
from shared.identifiers import AgencyId, AuthorityCode
from shared.ledger.messages import AdmitRead, Appended, AppendRequest, EntriesPage, ResolveChild, ResolvedChild
from shared.ledger.registry import AgencyFacts, KeyFacts
from shared.process.logs import configure_logs
from shared.process.serving import Door, HttpAddress, serve, stop_on_signals
from shared.reference.rules import load_rules
from shared.signatures.keys import load_signing_key
from shared.vocabulary import EntryType
from tests.machinery.circumstances import NOBODY, agency, directories
from tests.machinery.fakes import FakeLedger

CHILD = "Zebulon Quartermaine-Oyelaran"
AGENCY = AgencyId("a-school")
OWN_KEY, ANSWER_KEY = "own.pem", "answers.pem"


class NameQuoted(KeyError):
    """A fault whose text quotes what was sent."""


class FailingLedger(FakeLedger):
    """A ledger that records nothing, and fails as the idempotency key asks."""

    looks = 0

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        self.looks += 1
        return await super().entries(after=after, limit=limit, registry_only=registry_only)

    async def resolve_child(self, request: ResolveChild) -> ResolvedChild:
        return NOBODY

    async def append(self, request: AppendRequest) -> Appended:
        match request.idempotency.key:
            case "contradiction":
                raise IntegrityFailure("what is stored contradicts itself")
            case "unknown":
                raise Unavailable("the other process did not answer", outcome_unknown=True)
            case "nothing":
                raise Unavailable("the ledger is not writing")
        raise NameQuoted(CHILD)

    async def admit_read(self, request: AdmitRead) -> None:
        try:
            raise NameQuoted(CHILD)
        except KeyError as error:
            raise ValueError(f"not {CHILD}") from error


def registered(folder: Path) -> FailingLedger:
    """Return the ledger, with an agency and its key, and a number to call in Darlington."""
    ledger, key = FailingLedger(), load_signing_key((folder / OWN_KEY).read_bytes()).public
    school = AgencyFacts(AGENCY, "School", "s11_body", "England", AuthorityCode("E06000005"))
    office = agency(
        agency="a-csc", name="CSC", home_authority=None, acts_for="authority:E06000005", telephone="01632 960100"
    )
    for facts in (school, office):
        ledger.add(EntryType.AGENCY_REGISTERED, facts=msgspec.to_builtins(facts))
    added = KeyFacts(AGENCY, key.thumbprint, key.jwk(), "2026-01-01T00:00:00.000000Z")
    ledger.add(EntryType.AGENCY_KEY_ADDED, facts=msgspec.to_builtins(added))
    return ledger


def add_failing_routes(app: FastAPI, signed: SignedRequests, ledger: FailingLedger) -> None:
    """Add signed reads, and a route that fails outside of what proves requests and leaves a failing task behind."""

    async def stray() -> None:
        raise NameQuoted(CHILD)

    async def fail() -> None:
        task = asyncio.create_task(stray())
        await asyncio.sleep(0.01)
        del task
        gc.collect()
        raise NameQuoted(CHILD)

    async def read(request: Request) -> Response:
        return await signed.get(request, "reads", nothing)

    async def nothing(_asked: Asked) -> bytes:
        return b"{}"

    async def looks() -> int:
        return ledger.looks

    reader = CaseReader(
        ledger=ledger,  # type: ignore[arg-type]
        directories=directories(),
        clock=SystemClock(),
        in_production=False,
    )
    add_children_routes(app, ChildrenApi(signed=signed, reader=reader))
    app.add_api_route("/fail", fail)
    app.add_api_route("/looks", looks)
    app.add_api_route("/v1/read", read)


async def run(port: int, folder: Path) -> None:
    """Serve until told to stop, and then fail."""
    clock, ledger = SystemClock(), registered(folder)
    gateway = make_gateway(
        ledger=ledger,  # type: ignore[arg-type]
        directories=directories(),
        book=load_rules(),
        key=load_signing_key((folder / ANSWER_KEY).read_bytes()),
        clock=clock,
        real_clock=clock,
        authority=f"127.0.0.1:{port}",
        in_production=False,
        limits=RequestLimits(
            per_minute=100, reads_per_minute=100, immediate_danger_per_minute=100, monotonic_s=time.monotonic
        ),
    )
    await gateway.known_keys.registry.refresh()
    app = make_app(gateway.api)
    show_metrics(app, port=0)
    add_failing_routes(app, gateway.signed, ledger)
    await serve(app, [Door("agencies", HttpAddress("127.0.0.1", port))], stop=stop_on_signals())
    raise NameQuoted(CHILD)


if __name__ == "__main__":
    configure_logs("gateway")
    uvloop.run(run(int(sys.argv[1]), Path(sys.argv[2])))
