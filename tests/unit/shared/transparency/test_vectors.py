"""The formats are held against what the Go checksum database's own library made."""

from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import ExchangeError
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from shared.transparency.cosignature import cosign
from shared.transparency.merkle import (
    EMPTY,
    consistency_path,
    grow,
    inclusion_path,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from shared.transparency.signed_note import (
    NoteSigner,
    format_note,
    format_signature,
    open_note,
)
from shared.transparency.tiles import (
    bundle_bytes,
    parse_bundle,
    parse_tile_path,
    tile_bytes,
    tile_index_path,
    tile_path,
    tiles_of,
)
from shared.transparency.tlog_proof import format_proof, parse_proof, verify_proof
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.vectors import vectors

VECTORS = vectors("tlog_vectors.json")
DATA = [bytes.fromhex(each) for each in VECTORS["leaf_data_hex"]]
LEAVES = [bytes.fromhex(each) for each in VECTORS["leaf_hashes"]]
KEYS = VECTORS["keys"]
LOG = NoteSigner(KEYS["log_name"], Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS["log_seed"])))
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS["witness_seed"]))


def unhex(path: list[str] | None) -> list[bytes]:
    return [bytes.fromhex(each) for each in path or []]


def test_leaf_hashes_are_those_of_the_vectors() -> None:
    assert [leaf_hash(data) for data in DATA] == LEAVES


def test_the_root_of_every_size_is_that_of_the_vectors() -> None:
    frontier = EMPTY
    for size, root in enumerate(VECTORS["roots_by_size"]):
        assert tree_root(LEAVES[:size]).hex() == root
        assert frontier.root().hex() == root
        if size < len(LEAVES):
            frontier = grow(frontier, [LEAVES[size]]).frontier


def test_inclusion_proofs_are_those_of_the_vectors() -> None:
    for case in VECTORS["inclusion_proofs"]:
        size, index = case["Size"], case["Index"]
        assert list(inclusion_path(LEAVES[:size], index)) == unhex(case["Proof"])
        root = bytes.fromhex(case["Root"])
        verify_inclusion(LEAVES[index], position=index, size=size, path=unhex(case["Proof"]), root=root)


def test_consistency_proofs_are_those_of_the_vectors() -> None:
    for case in VECTORS["consistency_proofs"]:
        old, new, path = case["Old"], case["New"], unhex(case["Proof"])
        assert list(consistency_path(LEAVES[:new], old)) == path
        verify_consistency(
            old_size=old,
            new_size=new,
            old_root=bytes.fromhex(case["OldRoot"]),
            new_root=bytes.fromhex(case["NewRoot"]),
            path=path,
        )


@pytest.mark.parametrize("case", VECTORS["must_reject"], ids=lambda case: case["Why"])
def test_what_must_be_rejected_is_rejected(case: dict[str, Any]) -> None:
    with pytest.raises(ExchangeError):
        verify_case(case)


def verify_case(case: dict[str, Any]) -> None:
    path = unhex(case["Proof"])
    if case["Kind"] == "inclusion":
        leaf, root = bytes.fromhex(case["Leaf"]), bytes.fromhex(case["Root"])
        verify_inclusion(leaf, position=case["Index"], size=case["Size"], path=path, root=root)
    else:
        old_root, new_root = bytes.fromhex(case["OldRoot"]), bytes.fromhex(case["Root"])
        verify_consistency(old_size=case["Old"], new_size=case["New"], old_root=old_root, new_root=new_root, path=path)


def test_checkpoints_and_cosignatures_are_byte_for_byte_those_of_the_vectors() -> None:
    for case in VECTORS["checkpoints"]:
        body = case["text"].encode()
        checkpoint = parse_checkpoint(body)
        assert checkpoint.body() == body
        signed = sign_checkpoint(checkpoint, [LOG])
        assert signed.decode() == case["signed_note"]
        cosignature = cosign(body, name=KEYS["witness_name"], private_key=WITNESS_KEY, time_s=int(case["cosign_time"]))
        assert format_signature(cosignature).decode().strip() == case["cosignature_line"].strip()
        cosigned = format_note(body, [LOG.sign(body), cosignature])
        assert cosigned.decode() == case["cosigned_note"]
        verifiers = [parse_verifier_key(KEYS["log_vkey"]), parse_verifier_key(KEYS["witness_vkey"])]
        assert len(open_note(cosigned, verifiers).verified) == 2
        assert open_checkpoint(signed, verifiers) == checkpoint


def test_the_logs_verifier_key_is_that_of_the_vectors() -> None:
    assert LOG.verifier().verifier_key() == KEYS["log_vkey"]
    assert LOG.verifier().key_id.hex() == KEYS["log_key_id"]


def test_the_tlog_proof_is_byte_for_byte_that_of_the_vectors() -> None:
    text = VECTORS["tlog_proof_index123_size300"].encode()
    proof = parse_proof(text)
    assert format_proof(proof.index, path=proof.path, checkpoint=proof.checkpoint) == text
    checkpoint = verify_proof(DATA[123], proof, [parse_verifier_key(KEYS["log_vkey"])])
    assert (checkpoint.size, checkpoint.root.hex()) == (300, VECTORS["roots_by_size"][300])
    with pytest.raises(ExchangeError):
        verify_proof(DATA[124], proof, [parse_verifier_key(KEYS["log_vkey"])])


def test_tiles_and_bundles_are_byte_for_byte_those_of_the_vectors() -> None:
    for case in VECTORS["tiles"]["entry_bundles"]:
        level, index, width = parse_tile_path(case["Path"])
        assert (level, width) == (None, case["Width"])
        data = bundle_bytes(DATA[index * 256 : index * 256 + width])
        assert sha256(data).hexdigest() == case["Sha256"]
        assert parse_bundle(data) == DATA[index * 256 : index * 256 + width]
    for case in VECTORS["tiles"]["hash_tiles"]:
        level, index, width = parse_tile_path(case["Path"])
        if level == 0:
            data = tile_bytes(LEAVES[index * 256 : index * 256 + width])
        else:
            data = tile_bytes([tree_root(LEAVES[start : start + 256]) for start in range(0, 256 * width, 256)])
        assert sha256(data).hexdigest() == case["Sha256"]


def test_tile_numbers_are_written_as_in_the_vectors() -> None:
    for line in VECTORS["tiles"]["index_path_encoding"]:
        number, path = line.split(" -> ")
        assert tile_index_path(int(number)) == path.removeprefix("tile/0/")
    partials = [tile_path(level, index, width=width) for level, index, width in tiles_of(70_000) if width != 256]
    assert partials == [line.split(" ")[0] for line in VECTORS["tiles"]["partials_for_size_70000"]]


def test_a_root_does_not_bind_its_size_as_the_vectors_show() -> None:
    for case in VECTORS["surprising_accepts"]:
        verify_inclusion(
            bytes.fromhex(case["leaf"]),
            position=case["index"],
            size=case["claimed_size"],
            path=unhex(case["proof"]),
            root=bytes.fromhex(case["root"]),
        )


def test_tampered_histories_have_the_roots_of_the_vectors() -> None:
    tampered = VECTORS["tampered_roots"]
    assert tree_root(LEAVES[:100] + LEAVES[101:]).hex() == tampered["drop_100_size_299"]
    swapped = [*LEAVES[:100], LEAVES[101], LEAVES[100], *LEAVES[102:]]
    assert tree_root(swapped).hex() == tampered["swap_100_101"]


def test_a_checkpoint_keeps_what_it_was_made_of() -> None:
    checkpoint = parse_checkpoint(Checkpoint("log.example/a", LOG_SIZE, LEAVES[0]).body())
    assert checkpoint == Checkpoint("log.example/a", LOG_SIZE, LEAVES[0])


LOG_SIZE = parse_checkpoint(VECTORS["checkpoints"][-1]["text"].encode()).size
