"""Signed shares for the benchmarks, the exchange that takes them, and the bare FastAPI that is its peer."""

import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.http_load import request_bytes
from benchmarks.records import share_body
from cli.agency_facts import Terms
from cli.audit import audit_ledger
from cli.operator import Operator
from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import environment_of_its_own, layout_of_its_own
from deploy.local.loopback_port import free_port
from deploy.local.readiness import url_answers
from deploy.local.supervisor import ChildSpec
from shared.clock import SystemClock
from shared.reference.authorities import load_register
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request

BARE = "bare-fastapi"
MOST_PER_MINUTE = 10_000_000
"""What the agency may make: more than any gateway takes."""


@asynccontextmanager
async def accepting_exchange(key: SigningKey) -> AsyncIterator[LocalExchange]:
    """Give an exchange with one agency; nothing takes pushes, so that what is measured is acceptance."""
    exchange = LocalExchange(
        layout_of_its_own("exchange-bench-"),
        announce=lambda _text: None,
        environment=environment_of_its_own(),
        options=Options(port=free_port()),
    )
    try:
        async with exchange:
            ledger = exchange.ledger_client()
            operator = Operator(ledger, register=load_register(), clock=SystemClock())
            await operator.register_agency(
                "bench-school",
                name="School",
                duty_class="s11_body",
                home_authority="E06000005",
                terms=Terms(requests_per_minute=MOST_PER_MINUTE),
            )
            await operator.add_key("bench-school", key.public)
            await ledger.close()
            # Deliveries are another process's work, on the same two cores.
            await exchange.stop_service("notifier")
            yield exchange
    finally:
        exchange.destroy()


async def start_bare_fastapi(exchange: LocalExchange) -> int:
    """Start the peer beside an exchange, and return its port."""
    port = free_port()
    await exchange.start_child(
        ChildSpec(
            name=BARE,
            argv=[
                *(sys.executable, "-m", "uvicorn", "benchmarks.bare_fastapi:app"),
                *("--port", str(port), "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"),
            ],
            ready=url_answers(f"http://127.0.0.1:{port}/docs"),
        )
    )
    return port


async def check_ledger(exchange: LocalExchange) -> None:
    """Raise RuntimeError unless the ledger verifies in full."""
    report = await audit_ledger(exchange)
    if not report.intact:
        raise RuntimeError(f"the ledger does not verify: {report.findings[:3]}")


def signed_parts(host: str, key: SigningKey) -> tuple[RequestParts, bytes]:
    """Return a request with a share that no other shares, signed now, and its body."""
    body = share_body()
    headers = {
        "content-type": "application/json",
        "content-digest": content_digest(body),
        "idempotency-key": secrets.token_hex(16),
    }
    signed = sign_request(
        RequestParts("POST", host, b"/v1/shares", headers),
        key=key,
        tag=Tag.REQUEST,
        created=int(time.time()),
        nonce=secrets.token_urlsafe(16),
        has_body=True,
    )
    return RequestParts("POST", host, b"/v1/shares", {**headers, **signed}), body


def signed_shares(port: int, key: SigningKey, count: int) -> list[bytes]:
    """Return so many distinct signed shares as they go over the wire to a gateway at a loopback port."""
    host = f"127.0.0.1:{port}"
    made = [signed_parts(host, key) for _ in range(count)]
    return [request_bytes("/v1/shares", host=host, headers=dict(parts.headers), body=body) for parts, body in made]


def bare_shares(port: int, count: int) -> list[bytes]:
    """Return so many distinct shares as they go to the peer."""
    host, headers = f"127.0.0.1:{port}", {"content-type": "application/json"}
    return [request_bytes("/v1/shares", host=host, headers=headers, body=share_body()) for _ in range(count)]
