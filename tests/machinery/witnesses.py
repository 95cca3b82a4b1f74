"""Witnesses to ask: real ones on loopback ports, strangers that answer as a test says, and what asks them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from deploy.local.loopback_port import free_port
from services.ledger.adapters.http_witnesses import HttpWitnesses
from services.witness.adapters.evidence_files import EvidenceFiles
from services.witness.adapters.sqlite_memory import SqliteMemory
from services.witness.api.app import make_app
from services.witness.cosign_checkpoint import CheckpointCosigner, Cosigner
from services.witness.domain.judging import WatchedLogs
from shared.identifiers import TreeSize
from shared.process.serving import Door, HttpAddress, serve
from shared.transparency.signed_note import NoteSignature
from shared.transparency.witness_policy import WitnessPolicy, parse_policy
from tests.machinery.fakes import FakeClock
from tests.machinery.grown_log import GrownLog

LOG = GrownLog()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def cosigner(ordinal: int) -> Cosigner:
    seed = bytes([ordinal]) * 32
    ed25519, ml_dsa = Ed25519PrivateKey.from_private_bytes(seed), MLDSA44PrivateKey.from_seed_bytes(seed)
    return Cosigner(f"w{ordinal}.example", ed25519=ed25519, ml_dsa=ml_dsa)


@asynccontextmanager
async def witness(ordinal: int, folder: Path, *, port: int | None = None) -> AsyncIterator[str]:
    """Give the prefix of a real witness, on a loopback port."""
    memory = SqliteMemory(folder / f"{ordinal}.sqlite")
    logs = WatchedLogs([LOG.signer.verifier()])
    made = CheckpointCosigner(
        logs=logs,
        cosigner=cosigner(ordinal),
        memory=memory,
        evidence=EvidenceFiles(folder / "evidence", clock=FakeClock()),
        clock=FakeClock(),
    )
    port, stop = port or free_port(), asyncio.Event()
    app = make_app(made, origins=logs.origins, timeout_s=5)
    serving = asyncio.create_task(serve(app, [Door("logs", HttpAddress("127.0.0.1", port))], stop=stop))
    await _listening(port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await serving
        memory.close()


@asynccontextmanager
async def stranger(handler: Handler) -> AsyncIterator[str]:
    """Give the prefix of something that answers everything with one handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


@asynccontextmanager
async def cosigning(
    urls: dict[int, str], *, quorum: int = 1, timeout_s: float = 5.0
) -> AsyncIterator[tuple[HttpWitnesses, WitnessPolicy]]:
    """Give the witnesses at these prefixes."""
    lines = [
        f"witness w{n}-{kind} {key.verifier_key()} {url}"
        for n, url in urls.items()
        for kind, key in zip(("ed25519", "ml-dsa"), cosigner(n).verifiers(), strict=True)
    ]
    members = " ".join(f"w{n}-ed25519" for n in urls)
    policy = parse_policy("\n".join([*lines, f"group g {quorum} {members}", "quorum g"]))
    witnesses = HttpWitnesses(policy, log_keys=[LOG.signer.verifier()], timeout_s=timeout_s, clock=FakeClock())
    try:
        yield witnesses, policy
    finally:
        await witnesses.close()


def begun(
    witnesses: HttpWitnesses, size: int, *, log: GrownLog = LOG, held: Sequence[NoteSignature] = ()
) -> AsyncGenerator[tuple[NoteSignature, ...], None]:
    """Begin to have a log's checkpoint cosigned."""

    async def prove(old_size: TreeSize) -> tuple[bytes, ...]:
        return log.proof(old_size, size)

    return witnesses.cosign(log.checkpoint(size), log.note(size), prove=prove, held=held)


@asynccontextmanager
async def asking(
    urls: dict[int, str], *, quorum: int = 1, timeout_s: float = 5.0
) -> AsyncIterator[Callable[..., Awaitable[tuple[NoteSignature, ...]]]]:
    """Give a function that has a checkpoint cosigned by all who answer in time, or ``at_last``."""
    async with cosigning(urls, quorum=quorum, timeout_s=timeout_s) as (witnesses, policy):

        async def ask(size: int, log: GrownLog = LOG, *, at_last: bool = False) -> tuple[NoteSignature, ...]:
            cosignatures: tuple[NoteSignature, ...] = ()
            async with aclosing(begun(witnesses, size, log=log)) as answers:
                async for cosignatures in answers:
                    if not (at_last or policy.is_met(cosignatures)):
                        break
            return cosignatures

        yield ask


def names(signatures: Sequence[NoteSignature]) -> list[str]:
    """Return who signed."""
    return sorted(each.name for each in signatures)


async def never(_: web.Request) -> web.StreamResponse:
    """Answer nothing, for as long as anybody waits."""
    await asyncio.sleep(3_600)
    return web.Response()
