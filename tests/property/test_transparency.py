"""Trees grow the same however they are cut into batches, and hostile bytes give a value or our own error."""

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.entries import parse_entry
from shared.errors import ExchangeError
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, parse_checkpoint
from shared.transparency.cosignature import CosignatureVerifier, MlDsaCosignatureVerifier, cosign, cosign_with_ml_dsa
from shared.transparency.merkle import EMPTY, Frontier, ProofInvalid, grow, inclusion_path, tree_root, verify_inclusion
from shared.transparency.signed_note import NoteSignatureInvalid, format_note, open_note, split_note
from shared.transparency.tiles import parse_bundle, parse_tile_path
from shared.transparency.tlog_proof import parse_proof
from shared.transparency.verifier_key import parse_verifier_key
from shared.transparency.witness_policy import parse_policy
from shared.transparency.witness_protocol import AddCheckpoint, format_request, parse_answer, parse_request

hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=90)


@given(hashes, st.lists(st.integers(1, 20), min_size=1))
def test_a_tree_grown_in_batches_is_the_tree_and_each_path_is_by_the_definition(
    leaves: list[bytes], sizes: list[int]
) -> None:
    frontier, start, turn = EMPTY, 0, 0
    while start < len(leaves):
        batch = leaves[start : start + sizes[turn % len(sizes)]]
        growth = grow(frontier, batch)
        end = start + len(batch)
        assert growth.root == growth.frontier.root() == tree_root(leaves[:end])
        for ordinal, path in enumerate(growth.paths):
            assert path == inclusion_path(leaves[:end], start + ordinal)
        frontier, start, turn = Frontier.from_bytes(growth.frontier.to_bytes()), end, turn + 1


@given(hashes, st.data())
def test_any_flipped_bit_of_a_proof_is_found(leaves: list[bytes], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(leaves) - 1))
    path = list(inclusion_path(leaves, position))
    parts = [leaves[position], *path, tree_root(leaves)]
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    flipped = bytearray(parts[which])
    flipped[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(flipped)
    with pytest.raises(ProofInvalid):
        verify_inclusion(parts[0], position=position, size=len(leaves), path=parts[1:-1], root=parts[-1])


@given(st.binary(max_size=300))
def test_hostile_bytes_give_a_value_or_our_own_error(data: bytes) -> None:
    text = data.decode("latin-1")
    for parse in (
        parse_checkpoint,
        split_note,
        parse_proof,
        parse_bundle,
        parse_entry,
        parse_request,
        Frontier.from_bytes,
    ):
        try:
            parse(data)
        except ExchangeError:
            continue
    for read in (parse_tile_path, parse_verifier_key, parse_policy):
        try:
            read(text)
        except ExchangeError:
            continue


ML_DSA_KEY = MLDSA44PrivateKey.from_seed_bytes(b"\x07" * 32)
ML_DSA_VERIFIER = MlDsaCosignatureVerifier("witness.example/pq", ML_DSA_KEY.public_key().public_bytes_raw())
ED25519_KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ED25519_VERIFIER = CosignatureVerifier("witness.example/w", ED25519_KEY.public_key().public_bytes_raw())
checkpoints = st.builds(
    Checkpoint,
    origin=st.sampled_from(["log.example/a", "log.example/b", "l"]),
    size=st.integers(0, 2**63 - 1).map(TreeSize),
    root=st.binary(min_size=32, max_size=32),
)


@given(checkpoints, checkpoints, st.integers(0, 2**63 - 1))
def test_a_cosignature_of_either_kind_holds_for_its_own_checkpoint_and_for_no_other(
    checkpoint: Checkpoint, other: Checkpoint, time_s: int
) -> None:
    body = checkpoint.body()
    by_ed25519 = cosign(body, name=ED25519_VERIFIER.name, private_key=ED25519_KEY, time_s=time_s)
    by_ml_dsa = cosign_with_ml_dsa(body, name=ML_DSA_VERIFIER.name, private_key=ML_DSA_KEY, time_s=time_s)
    opened = open_note(format_note(body, [by_ed25519, by_ml_dsa]), [ED25519_VERIFIER, ML_DSA_VERIFIER])
    assert opened.verified == (by_ed25519, by_ml_dsa)
    if other != checkpoint:
        for verifier, made in ((ED25519_VERIFIER, by_ed25519), (ML_DSA_VERIFIER, by_ml_dsa)):
            with pytest.raises(NoteSignatureInvalid):
                verifier.verify(other.body(), made.signature)


@given(st.binary(max_size=200), st.binary(max_size=2_500))
def test_hostile_cosignatures_are_refused_with_our_own_error(text: bytes, signature: bytes) -> None:
    for verifier in (ED25519_VERIFIER, ML_DSA_VERIFIER):
        with pytest.raises(NoteSignatureInvalid):
            verifier.verify(text, signature)


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=300))
def test_a_request_to_a_witness_reads_back_as_it_was(old_size: int, proof: list[bytes], note: bytes) -> None:
    request = AddCheckpoint(TreeSize(old_size), tuple(proof), note)
    assert parse_request(format_request(request)) == request


@given(st.sampled_from([200, 307, 400, 409, 422, 500]), st.text(max_size=30), st.binary(max_size=300))
def test_a_hostile_witness_gives_an_answer_or_our_own_error(status: int, media_type: str, body: bytes) -> None:
    with contextlib.suppress(ExchangeError):
        assert parse_answer(status, media_type=media_type, body=body).status == status or status == 409
    with contextlib.suppress(ExchangeError):
        assert parse_answer(409, media_type="text/x.tlog.size", body=body).size is not None
