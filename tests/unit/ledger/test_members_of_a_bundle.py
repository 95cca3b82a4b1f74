"""Every member of a bundle belongs to it once, and what stands open in it is what its entry committed to."""

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from services.ledger.audit import bundle_verifier
from shared.entries import Commitment, Entry
from tests.machinery.bundles import Members, Said, write_bundle
from tests.machinery.sealed_log import SealedLog
from tests.machinery.static_log import SIGNER

SALTED = bytes(32) + b'{"concern":"a linear bruise"}'
FORGED = bytes(32) + b'{"concern":"a small scratch"}'
AT = 5


def opened_log() -> Members:
    """Return a bundle of a log in which what entry 5 committed to stands open."""

    def committing(entry: Entry) -> Entry:
        bound = f"safeguarding-exchange/commitment/v1\n{entry.id}\nbody\n".encode() + SALTED
        sealed = entry.commitments["body"].ciphertext_sha256
        commitments = {**entry.commitments, "body": Commitment(sha256(bound).hexdigest(), sealed)}
        return msgspec.structs.replace(entry, commitments=commitments)

    members = SealedLog().changed(AT, committing).bundle()
    say_of_opened(members, {"reason": "inspection", "run": "0" * 16, "sections": []})
    return {**members, f"opened/{AT}/body": SALTED}


def say_of_opened(members: Members, said: object) -> None:
    """Let the manifest say something else of what stands open."""
    manifest = msgspec.json.decode(members["manifest.json"])
    members["manifest.json"] = msgspec.json.encode({**manifest, "opened": said})


def report_of(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the program's exit code and the kinds of what it found."""
    code = bundle_verifier.main([str(file), "--log-key", SIGNER.verifier().verifier_key(), "--json"])
    said = msgspec.json.decode(capsys.readouterr().out, type=Said)
    return code, [each.kind for each in said.findings]


def test_content_opened_where_its_entry_says_is_intact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_of(write_bundle(opened_log(), tmp_path / "bundle.zip"), capsys) == (0, [])


@pytest.mark.parametrize("genuine", [f"opened/0{AT}/body", f"opened/{AT}/body/x", f"opened/{AT}/body"])
def test_a_forged_section_beside_the_genuine_one_is_never_intact_whatever_the_genuine_one_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], genuine: str
) -> None:
    members = opened_log()
    del members[f"opened/{AT}/body"]
    members[genuine] = SALTED
    file = write_bundle(members, tmp_path / "bundle.zip", before=[(f"opened/{AT}/body", FORGED)])
    code, kinds = report_of(file, capsys)
    assert code == 1
    assert "member_foreign" in kinds


@pytest.mark.parametrize("said", [None, False, {}, [], 0, ""])
def test_content_stands_open_only_where_the_manifest_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: object
) -> None:
    members = opened_log()
    say_of_opened(members, said)
    assert report_of(write_bundle(members, tmp_path / "bundle.zip"), capsys) == (1, ["opened_unsaid"])


def test_what_stands_open_among_the_sealed_sections_is_not_taken_for_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = opened_log()
    del members[f"opened/{AT}/body"]
    record = AT.to_bytes(8) + bytes([len("opened:body")]) + b"opened:body" + SALTED
    members["sections/000"] += len(record).to_bytes(4) + record
    assert report_of(write_bundle(members, tmp_path / "bundle.zip"), capsys) == (1, ["section_foreign"])


@pytest.mark.parametrize("name", ["opened/first/body", "opened/5", "notes.txt", "verify.pyc", "tile/0/000.p/9"])
def test_a_member_that_belongs_to_nothing_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = write_bundle({**opened_log(), name: b"x"}, tmp_path / "bundle.zip")
    assert report_of(file, capsys) == (1, ["member_foreign"])


def test_a_tile_with_more_than_its_hashes_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members = opened_log()
    members["tile/0/000"] += bytes(32)
    code, kinds = report_of(write_bundle(members, tmp_path / "bundle.zip"), capsys)
    assert (code, set(kinds)) == (1, {"torn_tile"})
