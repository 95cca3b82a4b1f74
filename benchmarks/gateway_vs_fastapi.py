"""Signed shares a second through the real gateway and ledger, beside a bare FastAPI POST of the same body."""

from benchmarks.http_load import load
from benchmarks.measure import Measured, in_turns
from benchmarks.signed_shares import accepting_exchange, bare_shares, check_ledger, signed_shares, start_bare_fastapi
from shared.signatures.keys import generate_signing_key


async def measure(*, rounds: int, requests: int) -> Measured:
    """Return the comparison. Every request is distinct, every answer a 201, and the ledger verifies afterwards."""
    key = generate_signing_key()
    async with accepting_exchange(key) as exchange:
        port, bare_port = exchange.options.port, await start_bare_fastapi(exchange)

        async def ours() -> float:
            return await load(port, signed_shares(port, key, requests))

        async def theirs() -> float:
            return await load(bare_port, bare_shares(bare_port, requests))

        await ours()
        measured = await in_turns(
            "gateway_vs_fastapi",
            unit="signed shares/s",
            peer="bare FastAPI POST",
            ours=ours,
            theirs=theirs,
            rounds=rounds,
        )
        await check_ledger(exchange)
        return measured
