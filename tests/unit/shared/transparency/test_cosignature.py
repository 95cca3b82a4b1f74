"""Cosignatures with ML-DSA-44: what is signed, byte for byte, and what is refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from shared.transparency.cosignature import (
    MlDsaCosignatureVerifier,
    cosign,
    cosign_with_ml_dsa,
    cosigned_message,
    subtree_message,
)
from shared.transparency.signed_note import (
    NoteSignature,
    NoteSignatureInvalid,
    format_note,
    format_signature,
    open_note,
)
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.vectors import vectors
from tests.unit.shared.transparency.test_signed_note import LOG, WITNESS, WITNESS_KEY

VECTORS = vectors("ml_dsa_cosignature_vectors.json")
NAME = VECTORS["name"]
KEY = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(VECTORS["seed"]))
VERIFIER = MlDsaCosignatureVerifier(NAME, KEY.public_key().public_bytes_raw())
BODY = Checkpoint(LOG.name, TreeSize(7), bytes(range(32))).body()


def cosigned(body: bytes = BODY, *, time_s: int = 1_700_000_000) -> NoteSignature:
    return cosign_with_ml_dsa(body, name=NAME, private_key=KEY, time_s=time_s)


def test_the_verifier_key_is_that_of_the_vectors_and_reads_back() -> None:
    assert VERIFIER.verifier_key() == VECTORS["vkey"]
    assert VERIFIER.key_id.hex() == VECTORS["key_id"]
    assert parse_verifier_key(VECTORS["vkey"]) == VERIFIER


@pytest.mark.parametrize("case", VECTORS["cosignatures"], ids=lambda case: str(case["time"]))
def test_the_signed_message_and_a_kept_cosignature_are_those_of_the_vectors(case: dict[str, str]) -> None:
    body = case["text"].encode()
    message = subtree_message(parse_checkpoint(body), name=NAME, time_s=int(case["time"]))
    assert message.hex() == case["message_hex"]
    opened = open_note(body + b"\n" + case["cosignature_line"].encode(), [VERIFIER])
    assert [signature.name for signature in opened.verified] == [NAME]


def test_a_cosignature_has_the_length_that_the_specification_says() -> None:
    assert len(cosigned().signature) == 8 + 2_420
    assert cosigned().signature[:8] == (1_700_000_000).to_bytes(8)


def test_both_kinds_stand_on_one_checkpoint_beside_the_logs_own() -> None:
    old_kind = cosign(BODY, name=WITNESS.name, private_key=WITNESS_KEY, time_s=1)
    note = format_note(BODY, [LOG.sign(BODY), old_kind, cosigned()])
    opened = open_note(note, [LOG.verifier(), WITNESS, VERIFIER])
    assert [signature.name for signature in opened.verified] == [LOG.name, WITNESS.name, NAME]
    assert open_checkpoint(note, [LOG.verifier(), WITNESS, VERIFIER]).size == 7


def changed(signature: NoteSignature, *, at: int) -> NoteSignature:
    made = bytearray(signature.signature)
    made[at] ^= 1
    return NoteSignature(signature.name, signature.key_id, bytes(made))


@pytest.mark.parametrize("at", [0, 7, 8, 1_000, 2_427])
def test_a_cosignature_with_any_part_changed_is_a_bad_one(at: int) -> None:
    with pytest.raises(NoteSignatureInvalid):
        VERIFIER.verify(BODY, changed(cosigned(), at=at).signature)


@pytest.mark.parametrize("length", [0, 1, 8, 64, 2_419, 2_429])
def test_a_cosignature_of_another_length_is_a_bad_one(length: int) -> None:
    with pytest.raises(NoteSignatureInvalid):
        VERIFIER.verify(BODY, b"\x01" * length)


def test_a_cosignature_is_bound_to_the_cosigners_name_and_to_the_tree() -> None:
    renamed = MlDsaCosignatureVerifier("witness.example/other", VERIFIER.public_key)
    with pytest.raises(NoteSignatureInvalid):
        renamed.verify(BODY, cosigned().signature)
    for other in (
        Checkpoint("log.example/b", TreeSize(7), bytes(range(32))),
        Checkpoint(LOG.name, TreeSize(8), bytes(range(32))),
        Checkpoint(LOG.name, TreeSize(7), bytes(32)),
    ):
        with pytest.raises(NoteSignatureInvalid):
            VERIFIER.verify(other.body(), cosigned().signature)


def test_only_a_checkpoint_is_cosigned_and_only_one_is_believed() -> None:
    with pytest.raises(InvalidInput):
        cosigned(b"One line.\n")
    with pytest.raises(NoteSignatureInvalid):
        VERIFIER.verify(b"One line.\n", cosigned().signature)


@pytest.mark.parametrize("time_s", [-1, 2**63])
def test_a_time_that_does_not_fit_is_neither_signed_nor_believed(time_s: int) -> None:
    with pytest.raises(InvalidInput):
        cosigned(time_s=time_s)
    late = 2**63
    with pytest.raises(NoteSignatureInvalid):
        WITNESS.verify(BODY, late.to_bytes(8) + WITNESS_KEY.sign(cosigned_message(BODY, time_s=late)))
    message = subtree_message(parse_checkpoint(BODY), name=NAME, time_s=late)
    with pytest.raises(NoteSignatureInvalid):
        VERIFIER.verify(BODY, late.to_bytes(8) + KEY.sign(message))


@pytest.mark.parametrize("name", ["", "w" * 256, "é" * 128])
def test_a_name_that_its_length_byte_cannot_count_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        cosign_with_ml_dsa(BODY, name=name, private_key=KEY, time_s=0)


def test_two_cosignatures_of_the_same_differ_and_both_are_good() -> None:
    first, second = cosigned(), cosigned()
    assert format_signature(first) != format_signature(second)
    for each in (first, second):
        VERIFIER.verify(BODY, each.signature)


def test_a_verifier_key_of_another_length_or_id_is_refused() -> None:
    for text in (
        VECTORS["vkey"][:-4],
        VECTORS["vkey"] + "AAAA",
        VECTORS["vkey"].replace(VECTORS["key_id"], "00000000"),
    ):
        with pytest.raises(InvalidInput):
            parse_verifier_key(text)
