"""What a signed share costs in processor time, by part: HTTP, signatures, rules, and the ledger."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import psutil

from benchmarks.cpu import CpuMeter
from benchmarks.http_load import load
from benchmarks.signed_shares import (
    BARE,
    MOST_PER_MINUTE,
    accepting_exchange,
    bare_shares,
    check_ledger,
    signed_parts,
    signed_shares,
    start_bare_fastapi,
)
from deploy.local.exchange import LocalExchange
from services.gateway.admit_request import Admitted
from services.gateway.api.reading import RecordDecoder
from services.gateway.bootstrap import make_gateway
from services.gateway.domain import sharing
from services.gateway.domain.placing import Directories
from services.gateway.domain.record import ShareRecord
from services.gateway.limit_requests import RequestLimits
from services.gateway.record_decision import NOBODY_KNOWN, Decision
from shared.clock import SystemClock
from shared.identifiers import Position
from shared.ledger.client import LedgerClient
from shared.ledger.messages import Appended, AppendRequest, ResolveChild, ResolvedChild
from shared.process.address import UnixAddress
from shared.process.peer import Peer
from shared.process.remote import Remote
from shared.reference.authorities import load_register
from shared.reference.postcodes import load_postcodes
from shared.reference.rules import load_rules
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts

ANSWER = b'{"receipt":"' + b"x" * 2000 + b'"}'
"""As long as an answer to a share."""


@dataclass(slots=True)
class Cost:
    """Microseconds of processor time for each share, by part, one value for each round."""

    parts: Mapping[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in ("http", "signature", "rules", "calls", "ledger", "postgres")}
    )

    def line(self) -> str:
        """Return the JSON line: the median of each part, and of their sum."""
        sums = [sum(costs) for costs in zip(*self.parts.values(), strict=True)]
        medians = {name: round(statistics.median(costs)) for name, costs in self.parts.items()}
        return orjson.dumps(
            {
                "name": "gateway_cost",
                "unit": "µs of processor time for a signed share",
                "value": round(statistics.median(sums)),
                "parts": medians,
                "rounds": len(sums),
            }
        ).decode()


class _InstantLedger(LedgerClient):
    """A ledger that costs nothing: nobody is known to it, and all it is given is recorded."""

    async def resolve_child(self, request: ResolveChild) -> ResolvedChild:  # noqa: ARG002
        return NOBODY_KNOWN

    async def append(self, request: AppendRequest) -> Appended:  # noqa: ARG002
        return Appended(Position(0), 201, ANSWER, repeated=False)


class _Gateway:
    """The gateway's own parts in this process, fed one by one; keys are looked up in a real ledger."""

    def __init__(self, ledger: Peer, *, authority: str, key: SigningKey) -> None:
        register = load_register()
        self._authority = authority
        self._key = key
        self._decoder = RecordDecoder(ShareRecord)
        self._gateway = make_gateway(
            ledger=_InstantLedger(ledger),
            directories=Directories(register, load_postcodes(register, file=None)),
            book=load_rules(),
            key=generate_signing_key(),
            clock=SystemClock(),
            real_clock=SystemClock(),
            authority=authority,
            in_production=False,
            limits=RequestLimits(
                per_minute=MOST_PER_MINUTE,
                reads_per_minute=MOST_PER_MINUTE,
                immediate_danger_per_minute=MOST_PER_MINUTE,
                monotonic_s=time.monotonic,
            ),
        )

    async def costs_us(self, count: int) -> tuple[float, float]:
        """Return the processor time of signatures, and of decoding, rules and routing, for each share."""
        made = [signed_parts(self._authority, self._key) for _ in range(count)]
        await self._gateway.admission.admit_write(*made[0])
        started = time.process_time()
        admitted = [await self._gateway.admission.admit_write(parts, body) for parts, body in made]
        for (parts, _body), who in zip(made, admitted, strict=True):
            self._gateway.answering.success(ANSWER, status=201, request=parts, allowance=who.allowance)
        proven = time.process_time()
        for (parts, body), who in zip(made, admitted, strict=True):
            await self._record(parts, body, who)
        recorded = time.process_time()
        return (proven - started) / count * 1e6, (recorded - proven) / count * 1e6

    async def _record(self, parts: RequestParts, body: bytes, admitted: Admitted) -> None:
        record = self._decoder.read(body, sharing.check_readable)
        await self._gateway.recorder.record(
            Decision(
                child=record.child,
                decided_at=record.decided_at,
                plan=lambda circumstances: sharing.plan_share(record, circumstances),
                sent=self._decoder.sent(parts, body),
            ),
            admitted,
        )


async def measure(*, rounds: int, requests: int) -> Cost:
    """Return the cost. What the gateway spends beyond HTTP, signatures and rules is its calls to the ledger.

    ``http`` is what the bare FastAPI spends on the same bodies: reading, routing and answering.
    """
    key, cost = generate_signing_key(), Cost()
    async with accepting_exchange(key) as exchange:
        port, bare_port = exchange.options.port, await start_bare_fastapi(exchange)
        ledger = Remote(UnixAddress(exchange.sockets / "ledger-gateway.sock"), timeout_s=30)
        gateway = _Gateway(ledger, authority=f"127.0.0.1:{port}", key=key)
        await load(port, signed_shares(port, key, requests))
        for _ in range(rounds):
            signature_us, rules_us = await gateway.costs_us(requests)
            spent = await _spent_us(exchange, port, signed_shares(port, key, requests))
            bare = await _spent_us(exchange, bare_port, bare_shares(bare_port, requests))
            cost.parts["http"].append(bare[BARE])
            cost.parts["signature"].append(signature_us)
            cost.parts["rules"].append(rules_us)
            cost.parts["calls"].append(spent["gateway"] - bare[BARE] - signature_us - rules_us)
            cost.parts["ledger"].append(spent["ledger"])
            cost.parts["postgres"].append(spent["postgres"])
        await ledger.close()
        await check_ledger(exchange)
        return cost


async def _spent_us(exchange: LocalExchange, port: int, requests: Sequence[bytes]) -> dict[str, float]:
    """Return what each process spends for each of these requests."""
    if exchange.postgres is None:
        raise RuntimeError("the benchmark starts a server of its own; unset DATABASE_URL")
    meters = {name: CpuMeter(psutil.Process(exchange.pid(name))) for name in ("gateway", "ledger", BARE)}
    meters["postgres"] = CpuMeter.of_server(exchange.postgres)
    before = {name: meter.theirs_s() for name, meter in meters.items()}
    await load(port, requests)
    return {name: (meter.theirs_s() - before[name]) / len(requests) * 1e6 for name, meter in meters.items()}
