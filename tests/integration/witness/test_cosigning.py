"""What a witness cosigns, refuses and keeps, over its real memory."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from services.witness.adapters.evidence_files import EvidenceFiles, read_evidence
from services.witness.adapters.sqlite_memory import SqliteMemory
from services.witness.cosign_checkpoint import CheckpointCosigner, Cosigner
from services.witness.domain.judging import Suspicion, WatchedLogs
from shared.errors import InvalidInput, Unavailable
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.signed_note import NoteSigner, format_note, open_note
from shared.transparency.witness_protocol import AddCheckpoint, AnswerStatus, WitnessAnswer, format_request
from tests.machinery.fakes import START, FakeClock
from tests.machinery.grown_log import ORIGIN, GrownLog

LOG = GrownLog()
COSIGNER = Cosigner(
    "witness.example/w",
    ed25519=Ed25519PrivateKey.from_private_bytes(b"\x05" * 32),
    ml_dsa=MLDSA44PrivateKey.from_seed_bytes(b"\x05" * 32),
)


def witness_over(folder: Path, *, watching: GrownLog = LOG) -> tuple[CheckpointCosigner, SqliteMemory]:
    clock = FakeClock()
    memory = SqliteMemory(folder / "cosigned.sqlite")
    logs = WatchedLogs([watching.signer.verifier()])
    evidence = EvidenceFiles(folder / "evidence", clock=clock)
    return CheckpointCosigner(logs=logs, cosigner=COSIGNER, memory=memory, evidence=evidence, clock=clock), memory


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[CheckpointCosigner]:
    made, memory = witness_over(tmp_path)
    yield made
    memory.close()


def refused(status: AnswerStatus) -> WitnessAnswer:
    return WitnessAnswer(status)


def test_each_extension_is_cosigned_by_both_keys_at_the_time_it_is(witness: CheckpointCosigner) -> None:
    for old, new in ((0, 1), (1, 7), (7, 7), (7, 40)):
        answer = witness.answer(LOG.request(old, new))
        assert answer.status is AnswerStatus.COSIGNED
        body = LOG.checkpoint(new).body()
        opened = open_note(format_note(body, answer.signatures), COSIGNER.verifiers())
        assert len(opened.verified) == 2
        assert {each.signature[:8] for each in opened.verified} == {int(START.timestamp()).to_bytes(8)}


def test_the_latest_cosigned_checkpoint_stands_for_monitors_with_all_its_signatures(
    witness: CheckpointCosigner,
) -> None:
    assert witness.latest_note(ORIGIN) is None
    witness.answer(LOG.request(0, 5))
    note = witness.latest_note(ORIGIN)
    assert note is not None
    assert open_checkpoint(note, [LOG.signer.verifier()]) == LOG.checkpoint(5)
    assert len(open_note(note, [LOG.signer.verifier(), *COSIGNER.verifiers()]).verified) == 3


def test_a_rollback_is_a_conflict_that_names_the_size(witness: CheckpointCosigner) -> None:
    witness.answer(LOG.request(0, 9))
    for old, new in ((0, 9), (0, 5), (5, 5), (3, 12)):
        assert witness.answer(LOG.request(old, new)) == WitnessAnswer(AnswerStatus.OTHER_SIZE, size=TreeSize(9))
    assert witness.answer(LOG.request(9, 12)).status is AnswerStatus.COSIGNED


def test_an_old_size_above_the_new_is_malformed(witness: CheckpointCosigner) -> None:
    request = format_request(AddCheckpoint(TreeSize(6), (), LOG.note(5)))
    assert witness.answer(request) == refused(AnswerStatus.MALFORMED)


@pytest.mark.parametrize("body", [b"", b"old 0\n\n", b"old 0\n\nnot a note\n", b"old 0\n" + LOG.note(3)])
def test_what_is_no_request_is_malformed(witness: CheckpointCosigner, body: bytes) -> None:
    assert witness.answer(body) == refused(AnswerStatus.MALFORMED)


def test_an_unknown_log_and_an_unknown_key_are_told_apart(witness: CheckpointCosigner) -> None:
    assert witness.answer(GrownLog(origin="ledger.example/x").request(0, 3)) == refused(AnswerStatus.UNKNOWN_ORIGIN)
    impostor = GrownLog(key=Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
    assert witness.answer(impostor.request(0, 3)) == refused(AnswerStatus.UNTRUSTED)
    body = LOG.checkpoint(3).body()
    forged = format_note(body, [type(LOG.signer.sign(body))(ORIGIN, LOG.signer.verifier().key_id, b"\x00" * 64)])
    assert witness.answer(b"old 0\n\n" + forged) == refused(AnswerStatus.UNTRUSTED)
    assert witness.latest_note(ORIGIN) is None


def test_lines_of_strangers_do_not_fill_the_note_that_is_kept(witness: CheckpointCosigner) -> None:
    body = LOG.checkpoint(3).body()
    strangers = [
        NoteSigner(f"s{n}.example", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)).sign(body) for n in range(63)
    ]
    note = format_note(body, [*strangers, LOG.signer.sign(body)])
    assert witness.answer(b"old 0\n\n" + note).status is AnswerStatus.COSIGNED
    assert witness.answer(LOG.request(3, 4)).status is AnswerStatus.COSIGNED


def test_a_fork_at_the_same_size_is_refused_and_both_notes_are_kept(
    witness: CheckpointCosigner, tmp_path: Path
) -> None:
    witness.answer(LOG.request(0, 9))
    fork = LOG.forked(at=4)
    for _ in range(3):
        assert witness.answer(fork.request(9, 9)) == refused(AnswerStatus.INCONSISTENT)
    (kept,) = read_evidence(tmp_path / "evidence")
    assert (kept.suspicion, kept.cosigned, kept.presented) == (Suspicion.FORK, LOG.checkpoint(9), fork.checkpoint(9))
    assert '"cosigned"' in kept.path.read_text("utf-8")
    assert witness.answer(LOG.request(9, 10)).status is AnswerStatus.COSIGNED


def test_evidence_across_a_rotation_of_the_logs_key_opens_by_itself(tmp_path: Path) -> None:
    before, memory = witness_over(tmp_path)
    before.answer(LOG.request(0, 9))
    memory.close()
    rotated = GrownLog(key=Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)).forked(at=4)
    after, memory = witness_over(tmp_path, watching=rotated)
    assert after.answer(rotated.request(9, 9)) == refused(AnswerStatus.INCONSISTENT)
    memory.close()
    (kept,) = read_evidence(tmp_path / "evidence")
    assert (kept.cosigned, kept.presented) == (LOG.checkpoint(9), rotated.checkpoint(9))
    assert set(kept.log_keys) == {LOG.signer.verifier(), rotated.signer.verifier()}
    old = LOG.signer.verifier().verifier_key()
    kept.path.write_text(kept.path.read_text("utf-8").replace(f'"{old}",', ""), "utf-8")
    kept.path.write_text(kept.path.read_text("utf-8").replace(f',\n    "{old}"', ""), "utf-8")
    with pytest.raises(InvalidInput, match="proves nothing"):
        read_evidence(tmp_path / "evidence")


@pytest.mark.parametrize("at", [0, 8])
def test_a_fork_that_has_grown_is_refused_and_kept(witness: CheckpointCosigner, tmp_path: Path, at: int) -> None:
    witness.answer(LOG.request(0, 9))
    fork = LOG.forked(at=at)
    assert witness.answer(fork.request(9, 20)) == refused(AnswerStatus.INCONSISTENT)
    (kept,) = read_evidence(tmp_path / "evidence")
    assert (kept.suspicion, kept.presented) == (Suspicion.UNPROVEN, fork.checkpoint(20))


def test_a_wrong_proof_is_refused_and_the_right_one_then_taken(witness: CheckpointCosigner, tmp_path: Path) -> None:
    witness.answer(LOG.request(0, 9))
    for proof in ((), LOG.proof(8, 20), (*LOG.proof(9, 20), bytes(32))):
        assert witness.answer(LOG.request(9, 20, proof=proof)) == refused(AnswerStatus.INCONSISTENT)
    assert witness.answer(LOG.request(9, 9, proof=[bytes(32)])) == refused(AnswerStatus.INCONSISTENT)
    assert len(read_evidence(tmp_path / "evidence")) == 1, "the same pair of notes is kept once"
    assert witness.answer(LOG.request(9, 20)).status is AnswerStatus.COSIGNED


def test_the_first_request_carries_no_proof(witness: CheckpointCosigner) -> None:
    assert witness.answer(LOG.request(0, 3, proof=[bytes(32)])) == refused(AnswerStatus.INCONSISTENT)
    assert witness.latest_note(ORIGIN) is None


def test_of_many_forks_at_once_one_root_is_cosigned_even_by_two_processes_over_one_memory(tmp_path: Path) -> None:
    (first, first_memory), (second, second_memory) = witness_over(tmp_path), witness_over(tmp_path)
    first.answer(LOG.request(0, 5))
    forks = [LOG.forked(at=at) for at in range(5, 20)]
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(witness.answer, fork.request(5, 20)) for fork in forks for witness in (first, second)]
        cosigned = [answer for answer in (each.result() for each in asked) if answer.status is AnswerStatus.COSIGNED]
    assert len(cosigned) == 1
    for memory in (first_memory, second_memory):
        memory.close()


def test_what_was_cosigned_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    before, memory = witness_over(tmp_path)
    before.answer(LOG.request(0, 9))
    memory.close()
    after, memory = witness_over(tmp_path)
    assert after.answer(LOG.request(0, 5)) == WitnessAnswer(AnswerStatus.OTHER_SIZE, size=TreeSize(9))
    memory.close()


def test_nothing_is_cosigned_when_nothing_can_be_kept(tmp_path: Path) -> None:
    witness, memory = witness_over(tmp_path)
    witness.answer(LOG.request(0, 9))
    with sqlite3.connect(tmp_path / "cosigned.sqlite") as other:
        # As on a full disk, the row cannot be written and everything else can.
        other.execute("CREATE TRIGGER full BEFORE UPDATE ON cosigned_v1 BEGIN SELECT RAISE(FAIL, 'full'); END")
    other.close()
    with pytest.raises(Unavailable):
        witness.answer(LOG.request(9, 12))
    assert witness.answer(LOG.request(0, 12)) == WitnessAnswer(AnswerStatus.OTHER_SIZE, size=TreeSize(9))
    memory.close()


def test_a_memory_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "cosigned.sqlite").write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(Unavailable):
        witness_over(tmp_path)


def test_a_file_that_is_no_evidence_is_named(tmp_path: Path) -> None:
    for content in (b"", b"[]", b"{}", b'{"format": "other"}'):
        (tmp_path / "fork-1.json").write_bytes(content)
        with pytest.raises(InvalidInput, match="fork-1"):
            read_evidence(tmp_path)
