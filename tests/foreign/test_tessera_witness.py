"""Tessera's own witness client, which knows nothing of this project, publishes only what our witness has cosigned."""

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from cli.main import app as exchange
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.signed_note import NoteSigner, open_note
from tests.machinery.witness import WitnessProcess

pytestmark = pytest.mark.foreign

WITNESSED_LOG = Path(__file__).parent.parent.parent / ".foreign" / "bin" / "witnessedlog"
ORIGIN = "tessera.example/log"
WITHIN_S = 90
FIRST = ("one", "two", "three")


@dataclass(frozen=True, slots=True)
class Log:
    """A log that Tessera keeps, in as many folders as somebody likes to keep it in, and the witness it asks."""

    home: Path
    signer: NoteSigner
    witness: WitnessProcess

    def publish(self, folder: str, *entries: str, policy: str = "policy") -> tuple[int, str]:
        """Append entries to the log in a folder; return the exit code, and the checkpoint or what was wrong."""
        done = subprocess.run(
            [str(WITNESSED_LOG), str(self.home / folder), str(self.home / "key"), str(self.home / policy), *entries],
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
        )
        return done.returncode, done.stdout.decode("utf-8")

    def begin_unseen(self, folder: str, *entries: str) -> None:
        """Begin the log in a folder behind the witness's back."""
        code, said = self.publish(folder, *entries, policy="nobody")
        assert code == 0, said

    def cosigned(self, published: str) -> Checkpoint:
        """Return a published checkpoint, which both the log and the witness must have signed."""
        ed25519, _ = self.witness.verifiers
        opened = open_note(published.encode("utf-8"), [self.signer.verifier(), ed25519])
        assert {each.name for each in opened.verified} == {ORIGIN, self.witness.name}
        return open_checkpoint(published.encode("utf-8"), [self.signer.verifier()])

    def evidence(self) -> tuple[int, str]:
        """Return what ``exchange witness evidence`` says; it opens both notes of each piece anew."""
        said = CliRunner().invoke(exchange, ["witness", "evidence", "--state-folder", str(self.witness.state)])
        return said.exit_code, said.stdout


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log that our witness, with keys of both kinds, watches from its beginning."""
    key = Ed25519PrivateKey.generate()
    signer = NoteSigner(ORIGIN, key)
    witness = WitnessProcess.prepared(tmp_path / "witness", log_keys=[signer.verifier().verifier_key()])
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    encoded = base64.b64encode(b"\x01" + seed).decode()
    (tmp_path / "key").write_text(f"PRIVATE+KEY+{ORIGIN}+{signer.verifier().key_id.hex()}+{encoded}\n")
    # Tessera's client keeps one key for each URL: only the one it knows how to verify.
    ed25519, _ = witness.verifiers
    (tmp_path / "policy").write_text(f"witness w {ed25519.verifier_key()} {witness.url}\nquorum w\n")
    (tmp_path / "nobody").write_text("quorum none\n")
    witness.start()
    yield Log(tmp_path, signer, witness)
    witness.kill()


def test_tessera_publishes_checkpoints_that_our_witness_cosigned_as_its_log_grows(log: Log) -> None:
    code, first = log.publish("log", *FIRST)
    assert code == 0, first
    code, second = log.publish("log", "four", "five")
    assert code == 0, second
    assert [log.cosigned(first).size, log.cosigned(second).size] == [3, 5]
    assert log.evidence() == (0, "0 pieces of evidence\n")


def test_tessera_finds_out_where_our_witness_stands_when_it_has_forgotten(log: Log) -> None:
    log.publish("log", *FIRST)
    log.begin_unseen("restored from a backup", "one", "two")
    code, published = log.publish("restored from a backup", "three", "four", "five", "six")
    assert code == 0, published
    assert log.cosigned(published).size == 6
    assert log.evidence()[0] == 0


def test_a_log_that_tessera_begins_anew_is_told_how_far_it_had_come(log: Log) -> None:
    log.publish("log", *FIRST)
    code, said = log.publish("begun anew", *FIRST)
    assert code == 1
    assert "replied with x.tlog.size 3, larger than log size 0" in said
    assert log.evidence()[0] == 0


@pytest.mark.parametrize(
    ("further", "suspicion"),
    [(("three",), "fork"), (("three", "four"), "unproven")],
    ids=["another tree of the same size", "a longer tree that does not go on from it"],
)
def test_our_witness_refuses_tessera_a_fork_and_keeps_the_evidence(
    log: Log, further: tuple[str, ...], suspicion: str
) -> None:
    code, published = log.publish("log", *FIRST)
    assert code == 0, published
    cosigned = log.cosigned(published)
    log.begin_unseen("fork", "one", "TWO")
    before = (log.home / "fork" / "checkpoint").read_bytes()
    code, said = log.publish("fork", *further)
    assert code == 1, said
    # The size that our witness knows, which Tessera did not; then that nothing leads there from what it knows.
    assert "not published: a witness answered 409, 422" in said
    assert (log.home / "fork" / "checkpoint").read_bytes() == before
    code, listed = log.evidence()
    assert code == 1
    assert f"{suspicion}: {ORIGIN}" in listed
    assert f"size {cosigned.size}, root {cosigned.root.hex()}" in listed
    assert f"size {2 + len(further)}, root " in listed
    assert f"key {log.signer.verifier().verifier_key()}" in listed
    assert listed.endswith("1 pieces of evidence\n")
