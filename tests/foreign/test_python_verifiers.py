"""pymerkle and sigstore recompute our trees, proofs and checkpoints, and refuse tampered ones."""

from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.ledger.adapters.tile_files import TileFiles
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import Ed25519Verifier
from shared.transparency.tile_proofs import TileProver
from shared.transparency.verifier_key import parse_verifier_key
from tests.foreign.conftest import WrittenLog
from tests.foreign.tampering import EDITED_BUNDLES, FORGED_CHECKPOINTS

pytestmark = [pytest.mark.foreign, pytest.mark.asyncio(loop_scope="session")]


async def test_pymerkle_builds_the_same_tree_and_accepts_our_proofs(written_log: WrittenLog) -> None:
    import pymerkle

    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(written_log.entries())
    checkpoint = written_log.checkpoint
    assert (tree.get_size(), tree.get_root()) == (checkpoint.size, checkpoint.root)
    prover = TileProver(TileFiles(written_log.folder), checkpoint)
    for position in (0, 1, 255, 256, checkpoint.size - 1):
        ours = await prover.inclusion(position)
        # pymerkle counts from 1 and leads the path with the leaf itself; all else of the proof is ours.
        proof = tree.prove_inclusion(position + 1)
        proof.path = [ours.leaf_hash, *ours.path]
        pymerkle.verify_inclusion(ours.leaf_hash, checkpoint.root, proof)
        proof.path[1] = bytes(32)
        with pytest.raises(pymerkle.InvalidProof):
            pymerkle.verify_inclusion(ours.leaf_hash, checkpoint.root, proof)


async def test_pymerkle_proves_growth_from_the_older_checkpoint(written_log: WrittenLog) -> None:
    import pymerkle

    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(written_log.entries())
    older = read_unverified_checkpoint(written_log.older.read_bytes())
    root = written_log.checkpoint.root
    proof = tree.prove_consistency(older.size)
    pymerkle.verify_consistency(older.root, root, proof)
    prover = TileProver(TileFiles(written_log.folder), written_log.checkpoint)
    assert await prover.root_at(TreeSize(older.size)) == tree.get_root(older.size) == older.root
    with pytest.raises(pymerkle.InvalidProof):
        pymerkle.verify_consistency(bytes(32), root, proof)


@pytest.mark.parametrize("way", EDITED_BUNDLES)
async def test_pymerkle_finds_it(written_log: WrittenLog, tmp_path: Path, way: str) -> None:
    import pymerkle

    tampered = written_log.copied_to(tmp_path / "log")
    EDITED_BUNDLES[way](tampered.folder)
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(tampered.entries())
    assert tree.get_root() != tampered.checkpoint.root


async def rekor_entry(log: WrittenLog, position: int) -> SimpleNamespace:
    """Return what sigstore verifies of a log entry: body, proof and checkpoint."""
    prover = TileProver(TileFiles(log.folder), log.checkpoint)
    proof = SimpleNamespace(
        log_index=position,
        tree_size=log.checkpoint.size,
        root_hash=log.checkpoint.root,
        hashes=list((await prover.inclusion(position)).path),
        checkpoint=SimpleNamespace(envelope=(log.folder / "checkpoint").read_text("utf-8")),
    )
    verifier = parse_verifier_key(log.verifier_key)
    return SimpleNamespace(
        _inner=SimpleNamespace(
            inclusion_proof=proof,
            canonicalized_body=log.entries()[position],
            log_id=SimpleNamespace(key_id=verifier.key_id),
        )
    )


def check_checkpoint(log: WrittenLog, entry: SimpleNamespace) -> None:
    """Have sigstore verify a checkpoint with the log's key."""
    from sigstore._internal.rekor.checkpoint import verify_checkpoint
    from sigstore._internal.trust import Keyring, RekorKeyring, common_v1

    verifier = parse_verifier_key(log.verifier_key)
    assert isinstance(verifier, Ed25519Verifier)
    public_key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
    key = common_v1.PublicKey(
        raw_bytes=b64encode(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
        key_details=common_v1.PublicKeyDetails.PKIX_ED25519,
    )
    verify_checkpoint(RekorKeyring(Keyring([key])), entry)


async def test_sigstore_accepts_our_inclusion_proofs_and_our_checkpoint(written_log: WrittenLog) -> None:
    from sigstore._internal.merkle import verify_merkle_inclusion

    for position in (0, 1, 255, 256, written_log.checkpoint.size - 1):
        entry = await rekor_entry(written_log, position)
        verify_merkle_inclusion(entry)
        check_checkpoint(written_log, entry)


@pytest.mark.parametrize("position", [0, 255, 256])
async def test_sigstore_refuses_an_edited_entry_and_an_edited_proof(written_log: WrittenLog, position: int) -> None:
    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore.errors import VerificationError

    entry = await rekor_entry(written_log, position)
    honest = entry._inner.canonicalized_body
    entry._inner.canonicalized_body = honest.replace(b"v1", b"v2", 1)
    with pytest.raises(VerificationError):
        verify_merkle_inclusion(entry)
    entry._inner.canonicalized_body = honest
    entry._inner.inclusion_proof.hashes[0] = bytes(32)
    with pytest.raises(VerificationError):
        verify_merkle_inclusion(entry)


@pytest.mark.parametrize("way", FORGED_CHECKPOINTS)
async def test_sigstore_refuses_it(written_log: WrittenLog, tmp_path: Path, way: str) -> None:
    from sigstore.errors import VerificationError

    entry = await rekor_entry(written_log, 7)
    tampered = written_log.copied_to(tmp_path / "log")
    FORGED_CHECKPOINTS[way](tampered.folder)
    entry._inner.inclusion_proof.checkpoint.envelope = (tampered.folder / "checkpoint").read_text("utf-8")
    with pytest.raises(VerificationError):
        check_checkpoint(written_log, entry)
