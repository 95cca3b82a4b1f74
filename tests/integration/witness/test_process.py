"""The witness as a process: what it answers over HTTP, and that killing it changes nothing it said."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from cli.main import app as exchange
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.signed_note import format_note, open_note, parse_signatures
from shared.transparency.witness_protocol import LARGEST_REQUEST_BYTES, monitoring_path
from tests.machinery.grown_log import ORIGIN, GrownLog
from tests.machinery.witness import WitnessProcess

LOG, SLOW, FORKED = GrownLog(), GrownLog(origin="ledger.example/slow"), GrownLog(origin="ledger.example/forked")


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    keys = [log.signer.verifier().verifier_key() for log in (LOG, SLOW, FORKED)]
    made = WitnessProcess.prepared(tmp_path_factory.mktemp("witness"), log_keys=keys)
    made.start()
    yield made
    made.kill()


def test_statuses_and_media_types_are_those_of_the_protocol(witness: WitnessProcess) -> None:
    assert witness.ask(LOG.request(0, 5)).status_code == 200
    answer = witness.ask(LOG.request(5, 9))
    signatures = parse_signatures(answer.content)
    assert len(open_note(format_note(LOG.checkpoint(9).body(), signatures), witness.verifiers).verified) == 2
    conflict = witness.ask(LOG.request(5, 9))
    assert (conflict.status_code, conflict.headers["content-type"], conflict.text) == (409, "text/x.tlog.size", "9\n")
    assert witness.ask(LOG.forked(at=2).request(9, 9)).status_code == 422
    assert witness.ask(GrownLog(origin="other.example").request(0, 1)).status_code == 404
    impostor = GrownLog(key=Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    assert witness.ask(impostor.request(9, 12)).status_code == 403
    assert witness.ask(b"nonsense").status_code == 400
    latest = requests.get(f"{witness.url}/{monitoring_path(ORIGIN)}", timeout=5)
    assert open_checkpoint(latest.content, [LOG.signer.verifier()]) == LOG.checkpoint(9)
    assert requests.get(f"{witness.url}/{'0' * 64}/checkpoint", timeout=5).status_code == 404
    assert requests.get(f"{witness.url}/add-checkpoint", timeout=5).status_code == 405


def test_a_request_too_large_or_too_slow_is_given_up_and_the_next_is_served(witness: WitnessProcess) -> None:
    assert witness.ask(b"old 0\n\n" + b"a" * LARGEST_REQUEST_BYTES).status_code == 413
    with socket.create_connection(("127.0.0.1", witness.port)) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 100\r\n\r\nold 0")
        assert b"408" in slow.recv(1000)
    assert witness.ask(SLOW.request(0, 5)).status_code == 200


def test_evidence_is_listed_for_whoever_runs_the_witness(witness: WitnessProcess) -> None:
    listing = ["witness", "evidence", "--state-folder", str(witness.state)]
    witness.ask(FORKED.request(0, 9))
    assert FORKED.origin not in CliRunner().invoke(exchange, listing).stdout
    fork = FORKED.forked(at=3)
    witness.ask(fork.request(9, 9))
    after = CliRunner().invoke(exchange, listing)
    assert after.exit_code == 1
    for expected in ("fork: " + FORKED.origin, FORKED.checkpoint(9).root.hex(), fork.checkpoint(9).root.hex()):
        assert expected in after.stdout


def test_keys_are_made_once_and_never_overwritten(tmp_path: Path) -> None:
    making = ["witness", "keygen", "council.example/witness", str(tmp_path / "keys")]
    made = CliRunner().invoke(exchange, making)
    assert [line.split("+")[0] for line in made.stdout.splitlines()] == ["council.example/witness"] * 2
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    again = CliRunner().invoke(exchange, making)
    assert isinstance(again.exception, FileExistsError)


def test_killed_at_any_moment_it_never_cosigns_two_roots_for_one_size(tmp_path: Path) -> None:
    witness = WitnessProcess.prepared(tmp_path, log_keys=[LOG.signer.verifier().verifier_key()])
    witness.start()
    assert witness.ask(LOG.request(0, 4)).status_code == 200
    trunk, start = LOG, 4
    heard: dict[int, set[bytes]] = {}

    def ask_for(branch: GrownLog, *, first: int) -> None:
        with contextlib.suppress(requests.RequestException):
            for size in range(first + 1, first + 5):
                if witness.ask(branch.request(size - 1, size)).status_code == 200:
                    heard.setdefault(size, set()).add(branch.checkpoint(size).root)

    for delay_s in (0.0, 0.02, 0.05):
        branches = [trunk, *(trunk.forked(at=at) for at in range(start, start + 3))]
        asking = [threading.Thread(target=ask_for, args=(each,), kwargs={"first": start}) for each in branches]
        killing = threading.Timer(delay_s, witness.kill)
        for thread in (*asking, killing):
            thread.start()
        for thread in (*asking, killing):
            thread.join()
        witness.start()
        latest = requests.get(f"{witness.url}/{monitoring_path(ORIGIN)}", timeout=5)
        remembered = open_checkpoint(latest.content, [LOG.signer.verifier()])
        # Whatever was heard is remembered, and the log goes on from there on the branch that came first.
        assert remembered.size >= max(heard, default=4)
        start += 4
        trunk = next(each for each in branches if each.checkpoint(remembered.size).root == remembered.root)
        assert witness.ask(trunk.request(remembered.size, start)).status_code == 200
    witness.kill()
    assert all(len(roots) == 1 for roots in heard.values())
