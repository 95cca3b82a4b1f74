"""A log's proofs hold at any size, and no alteration of a receipt passes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ExchangeError
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import (
    EMPTY,
    Frontier,
    ProofInvalid,
    consistency_path,
    grow,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tlog_proof import format_proof, parse_proof, verify_proof

LOG = NoteSigner("log.example/a", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
hashes = st.integers(0, 2**63).map(lambda number: leaf_hash(number.to_bytes(8)))


@st.composite
def frontiers(draw: st.DrawFn) -> Frontier:
    """Frontiers of trees far too large to build, likely to stand just before or after a power of two."""
    size = draw(
        st.integers(0, 2**40) | st.builds(lambda power, off: 2**power + off, st.integers(4, 40), st.integers(-9, 9))
    )
    return Frontier(TreeSize(size), tuple(leaf_hash(bytes([bit])) for bit in range(size.bit_count())))


@given(frontiers(), st.lists(hashes, min_size=1, max_size=80))
def test_every_path_into_a_large_tree_verifies_and_its_frontier_fits_its_size(
    frontier: Frontier, batch: list[bytes]
) -> None:
    growth = grow(frontier, batch)
    size = frontier.size + len(batch)
    assert growth.frontier.size == size
    assert len(growth.frontier.nodes) == size.bit_count()
    assert growth.frontier.root() == growth.root
    for ordinal, path in enumerate(growth.paths):
        verify_inclusion(batch[ordinal], position=frontier.size + ordinal, size=size, path=path, root=growth.root)


@given(frontiers(), st.lists(hashes, min_size=1, max_size=40), st.integers(0, 40))
def test_a_batch_cut_in_two_makes_the_same_tree(frontier: Frontier, batch: list[bytes], cut: int) -> None:
    in_two = grow(grow(frontier, batch[:cut]).frontier, batch[cut:])
    assert grow(frontier, batch).frontier == in_two.frontier


@given(st.lists(hashes, min_size=1, max_size=70), st.data())
def test_a_log_that_only_grew_proves_it_and_any_flipped_bit_is_found(leaves: list[bytes], data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, len(leaves)))
    path = consistency_path(leaves, old_size)
    parts = [tree_root(leaves[:old_size]), tree_root(leaves), *path]
    check(parts, old_size=old_size, new_size=len(leaves))
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    parts[which] = with_flipped_bit(parts[which], bit)
    with pytest.raises(ProofInvalid):
        check(parts, old_size=old_size, new_size=len(leaves))


def check(parts: list[bytes], *, old_size: int, new_size: int) -> None:
    old_root, new_root, *path = parts
    verify_consistency(old_size=old_size, new_size=new_size, old_root=old_root, new_root=new_root, path=path)


# Entries name their own position, so that no two are equal: between equal ones another index would be true as well.
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40, unique=True), st.data())
def test_a_receipt_with_any_bit_flipped_proves_nothing(entries: list[bytes], data: st.DataObject) -> None:
    growth = grow(EMPTY, [leaf_hash(entry) for entry in entries])
    checkpoint = sign_checkpoint(Checkpoint(LOG.name, growth.frontier.size, growth.root), [LOG])
    index = data.draw(st.integers(0, len(entries) - 1))
    receipt = format_proof(index, path=growth.paths[index], checkpoint=checkpoint)
    verify_proof(entries[index], parse_proof(receipt), [LOG.verifier()])
    altered = with_flipped_bit(receipt, data.draw(st.integers(0, len(receipt) * 8 - 1)))
    with pytest.raises(ExchangeError):
        verify_proof(entries[index], parse_proof(altered), [LOG.verifier()])


def with_flipped_bit(data: bytes, bit: int) -> bytes:
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


receipt_lines = st.lists(
    st.sampled_from(["c2sp.org/tlog-proof@v1", "index 0", "extra AA==", "", "log.example/a", "1", "A" * 43 + "="])
    | st.text(max_size=12),
    max_size=12,
)


@given(receipt_lines)
def test_lines_that_look_like_a_receipt_give_a_value_or_our_own_error(lines: list[str]) -> None:
    try:
        verify_proof(b"entry", parse_proof("\n".join(lines).encode()), [LOG.verifier()])
    except ExchangeError:
        return
    pytest.fail("nothing signed this")
