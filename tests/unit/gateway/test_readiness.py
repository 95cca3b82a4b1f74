"""A gateway is ready while it can prove requests and the ledger would record them, as of the registry's latest look."""

import time

import msgspec
import orjson
from fastapi import Request

from services.gateway.bootstrap import make_gateway
from services.gateway.limit_requests import RequestLimits
from shared.ledger.messages import EntriesPage
from shared.reference.rules import load_rules
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.circumstances import directories
from tests.machinery.fakes import FakeClock, FakeLedger


class StandingLedger(FakeLedger):
    """Says whether it is writing, and counts how often it is asked."""

    writing = False
    looks = 0

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        self.looks += 1
        page = await super().entries(after=after, limit=limit, registry_only=registry_only)
        return msgspec.structs.replace(page, writing=self.writing)


async def test_a_gateway_is_ready_only_while_its_ledger_is_writing_and_asks_it_nothing_for_that() -> None:
    ledger, clock = StandingLedger(), FakeClock()
    ledger.add(EntryType.LEDGER_OPENED, facts={"origin": "example.test/log", "vkey": "the log's key"})
    gateway = make_gateway(
        ledger=ledger,  # type: ignore[arg-type]
        directories=directories(),
        book=load_rules(),
        key=generate_signing_key(),
        clock=clock,
        real_clock=clock,
        authority="exchange.example",
        in_production=False,
        limits=RequestLimits(
            per_minute=1, reads_per_minute=1, immediate_danger_per_minute=1, monotonic_s=time.monotonic
        ),
    )
    request = Request({"type": "http", "method": "GET", "path": "/readyz", "headers": []})

    async def answer() -> tuple[int, str]:
        response = await gateway.api.get_readyz(request)
        said = orjson.loads(bytes(response.body))
        return response.status_code, said.get("status") if response.status_code == 200 else said["detail"]

    for writing in (False, True, False):
        ledger.writing = writing
        await gateway.known_keys.registry.refresh()
        looks = ledger.looks
        assert await answer() == ((200, "ready") if writing else (503, "the ledger is starting, or cannot write"))
        assert ledger.looks == looks
