"""torchwood's litewitness, which knows nothing of this project, cosigns our checkpoints over the real protocol."""

import base64
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from deploy.local.loopback_port import free_port
from services.ledger.adapters.http_witnesses import HttpWitnesses
from shared.clock import SystemClock
from shared.identifiers import TreeSize
from shared.transparency.cosignature import CosignatureVerifier
from shared.transparency.merkle import EMPTY_ROOT
from shared.transparency.signed_note import NoteSignature, format_note, open_note
from shared.transparency.verifier_key import parse_verifier_key
from shared.transparency.witness_policy import parse_policy
from tests.machinery.grown_log import ORIGIN, GrownLog

pytestmark = pytest.mark.foreign

LITEWITNESS = Path(__file__).parent.parent.parent / ".foreign" / "bin" / "litewitness"
NAME = "witness.example/lite"
LOG = GrownLog()
WITHIN_S = 30


@dataclass(frozen=True, slots=True)
class LiteWitness:
    url: str
    verifier_key: str


@pytest.fixture(scope="module")
def litewitness() -> Iterator[LiteWitness]:
    """Start litewitness with a key in an ssh-agent of its own, watching our log."""
    # A socket's path may be no longer than 107 bytes, which pytest's own folders can exceed.
    with tempfile.TemporaryDirectory(prefix="lw-") as name:
        folder = Path(name)
        fingerprint = _write_key(folder / "key")
        socket = folder / "agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
        _until(socket.exists)
        subprocess.run(
            ["ssh-add", "-q", str(folder / "key")], env={**os.environ, "SSH_AUTH_SOCK": str(socket)}, check=True
        )
        port = free_port()
        with (folder / "log").open("wb") as log:
            witness = subprocess.Popen(
                [
                    str(LITEWITNESS),
                    f"-ssh-agent={socket}",
                    f"-name={NAME}",
                    f"-key={fingerprint}",
                    f"-db={folder / 'witness.db'}",
                    f"-listen=127.0.0.1:{port}",
                ],
                stderr=log,
            )
        try:
            _until(lambda: _answers(f"http://127.0.0.1:{port}/") or witness.poll() is not None)
            said = (folder / "log").read_text("utf-8")
            key = re.search(r"vkey=(\S+)", said)
            assert key is not None, said
            _watch(folder / "witness.db")
            yield LiteWitness(f"http://127.0.0.1:{port}", key.group(1))
        finally:
            for process in (witness, agent):
                process.send_signal(signal.SIGTERM)
                process.wait(WITHIN_S)


def _write_key(path: Path) -> str:
    """Write an SSH key that is only ever used here; return its fingerprint."""
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    blob = base64.b64decode(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    return "SHA256:" + base64.b64encode(sha256(blob).digest()).decode().rstrip("=")


def _watch(database: Path) -> None:
    """Add our log, as its ``witnessctl`` does: the empty tree, and the log's verifier key."""
    connection = sqlite3.connect(database)
    with connection:
        root = base64.b64encode(EMPTY_ROOT).decode()
        connection.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", (ORIGIN, root))
        connection.execute(
            "INSERT INTO key (origin, key) VALUES (?, ?)", (ORIGIN, LOG.signer.verifier().verifier_key())
        )
    connection.close()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < until, "it did not come up"
        time.sleep(0.05)


async def cosigned(witness: LiteWitness, size: int, *, log: GrownLog = LOG) -> tuple[NoteSignature, ...]:
    """Have a checkpoint cosigned by a client that knows nothing yet."""
    policy = parse_policy(f"witness lite {witness.verifier_key} {witness.url}\nquorum lite\n")
    witnesses = HttpWitnesses(policy, log_keys=[LOG.signer.verifier()], timeout_s=10, clock=SystemClock())

    async def prove(old_size: TreeSize) -> tuple[bytes, ...]:
        return log.proof(old_size, size)

    try:
        async with aclosing(witnesses.cosign(log.checkpoint(size), log.note(size), prove=prove)) as answers:
            return await anext(answers)
    finally:
        await witnesses.close()


async def test_litewitness_cosigns_each_extension_through_our_client(litewitness: LiteWitness) -> None:
    verifier = parse_verifier_key(litewitness.verifier_key)
    assert isinstance(verifier, CosignatureVerifier)
    for size in (3, 7, 7, 20):
        signatures = await cosigned(litewitness, size)
        note = format_note(LOG.checkpoint(size).body(), [*signatures, LOG.signer.sign(LOG.checkpoint(size).body())])
        opened = open_note(note, [LOG.signer.verifier(), verifier])
        assert [each.name for each in opened.verified] == [NAME, ORIGIN]


async def test_litewitness_does_not_cosign_a_fork_of_our_log(litewitness: LiteWitness) -> None:
    await cosigned(litewitness, 21)
    for size in (21, 25):
        assert await cosigned(litewitness, size, log=LOG.forked(at=4)) == ()
    assert await cosigned(litewitness, 5) == ()
    assert len(await cosigned(litewitness, 25)) == 1
