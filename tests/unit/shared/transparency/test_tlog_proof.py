"""What an offline receipt proves, and what is no receipt."""

import base64

import pytest

from shared.errors import IntegrityFailure, InvalidInput
from shared.transparency.signed_note import NoteSignatureInvalid, NoteUnsigned
from shared.transparency.tlog_proof import format_proof, parse_proof, verify_proof
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.vectors import vectors

VECTORS = vectors("tlog_vectors.json")
TEXT: str = VECTORS["tlog_proof_index123_size300"]
ENTRY = bytes.fromhex(VECTORS["leaf_data_hex"][123])
LOG_KEY = parse_verifier_key(VECTORS["keys"]["log_vkey"])
HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize("extra", [b"", b"\x00", b"a longer one " * 50])
def test_what_is_carried_along_reads_back_and_proves_nothing(extra: bytes) -> None:
    plain = parse_proof(TEXT.encode())
    proof = parse_proof(format_proof(plain.index, path=plain.path, checkpoint=plain.checkpoint, extra=extra))
    assert plain.extra is None
    assert proof.extra == extra
    assert verify_proof(ENTRY, proof, [LOG_KEY]).size == 300


def test_a_tree_of_one_entry_needs_no_path() -> None:
    proof = parse_proof(format_proof(0, path=[], checkpoint=VECTORS["checkpoints"][1]["signed_note"].encode()))
    assert proof.path == ()
    assert verify_proof(bytes.fromhex(VECTORS["leaf_data_hex"][0]), proof, [LOG_KEY]).size == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("\n\n", "\n"),
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("\n", "\r\n"),
        " " + TEXT,
        TEXT.replace("index 123\n", ""),
        TEXT.replace("index 123", "index 0123"),
        TEXT.replace("index 123", "index -1"),
        TEXT.replace("index 123", "index 123 "),
        TEXT.replace("index 123", "index \u0661"),
        TEXT.replace("index 123", f"index {2**63 - 1}"),
        TEXT.replace("index 123", f"index {'9' * 5000}"),
        TEXT.replace("index 123\n", "index 123\nindex 123\n"),
        TEXT.replace("index 123\n", "index 123\nextra AA==\n"),
        TEXT.replace("index 123\n", "extra AA==\nextra AA==\nindex 123\n"),
        TEXT.replace("index 123\n", "extra AB==\nindex 123\n"),
        TEXT.replace("index 123\n", "extra\nindex 123\n"),
        TEXT.replace("w/e98=", "w/e98"),
        TEXT.replace("w/e98=", "w/e99="),
        TEXT.replace("w/e98=", "w/e98= "),
        TEXT.replace("w/e98=", "w/e9_="),
        TEXT.replace("index 123\n", "index 123\nAAAA\n"),
        TEXT.replace("index 123\n", "index 123\n" + f"{HASH}\n" * 64),
        TEXT.replace("index 123\n", "index 123\n\u00e9\n"),
    ],
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_proof(text.encode())


def test_another_entry_another_place_or_another_key_is_not_proven() -> None:
    proof = parse_proof(TEXT.encode())
    with pytest.raises(IntegrityFailure):
        verify_proof(ENTRY + b" ", proof, [LOG_KEY])
    with pytest.raises(IntegrityFailure):
        verify_proof(ENTRY, parse_proof(TEXT.replace("index 123", "index 122").encode()), [LOG_KEY])
    with pytest.raises(NoteUnsigned):
        verify_proof(ENTRY, proof, [parse_verifier_key(VECTORS["keys"]["witness_vkey"])])
    with pytest.raises(NoteSignatureInvalid):
        verify_proof(ENTRY, parse_proof(TEXT.replace("\n300\n", "\n299\n").encode()), [LOG_KEY])


def test_a_place_beyond_the_checkpoint_is_nonsense() -> None:
    with pytest.raises(InvalidInput):
        verify_proof(ENTRY, parse_proof(TEXT.replace("index 123", "index 300").encode()), [LOG_KEY])
