"""Signed shares a second through the real gateway and ledger, beside a bare FastAPI POST of the same body."""

import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.http_load import load, request_bytes
from benchmarks.measure import Measured, in_turns
from benchmarks.records import share_body
from cli.agency_facts import Terms
from cli.audit import audit_ledger
from cli.operator import Operator
from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import layout_of_its_own
from deploy.local.loopback_port import free_port
from deploy.local.readiness import url_answers
from deploy.local.supervisor import ChildSpec
from shared.clock import SystemClock
from shared.reference.authorities import load_register
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request


async def measure(*, rounds: int, requests: int) -> Measured:
    """Return the comparison. Every request is distinct, every answer a 201, and the ledger verifies afterwards."""
    key = generate_signing_key()
    async with _exchange(key) as exchange:
        bare_port = free_port()
        await exchange.start_child(
            ChildSpec(
                name="bare-fastapi",
                argv=[
                    *(sys.executable, "-m", "uvicorn", "benchmarks.bare_fastapi:app"),
                    *("--port", str(bare_port), "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"),
                ],
                ready=url_answers(f"http://127.0.0.1:{bare_port}/docs"),
            )
        )

        async def ours() -> float:
            host = f"127.0.0.1:{exchange.options.port}"
            return await load(exchange.options.port, [_signed(host, key) for _ in range(requests)])

        async def theirs() -> float:
            host, headers = f"127.0.0.1:{bare_port}", {"content-type": "application/json"}
            made = [request_bytes("/v1/shares", host=host, headers=headers, body=share_body()) for _ in range(requests)]
            return await load(bare_port, made)

        await ours()
        measured = await in_turns(
            "gateway_vs_fastapi",
            unit="signed shares/s",
            peer="bare FastAPI POST",
            ours=ours,
            theirs=theirs,
            rounds=rounds,
        )
        report = await audit_ledger(exchange)
        if not report.intact:
            raise RuntimeError(f"the ledger does not verify: {report.findings[:3]}")
        return measured


@asynccontextmanager
async def _exchange(key: SigningKey) -> AsyncIterator[LocalExchange]:
    """Give an exchange with one agency; nothing takes pushes, so that what is measured is acceptance."""
    exchange = LocalExchange(
        layout_of_its_own("exchange-bench-"), announce=lambda _text: None, options=Options(port=free_port())
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
                terms=Terms(requests_per_minute=10_000_000),
            )
            await operator.add_key("bench-school", key.public)
            await ledger.close()
            # Deliveries are another process's work, on the same two cores.
            await exchange.stop_service("notifier")
            yield exchange
    finally:
        exchange.destroy()


def _signed(host: str, key: SigningKey) -> bytes:
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
    return request_bytes("/v1/shares", host=host, headers={**headers, **signed}, body=body)
