"""What a Merkle proof may not be made to say."""

from dataclasses import replace

import pytest

from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.merkle import (
    EMPTY,
    EMPTY_ROOT,
    Frontier,
    ProofInvalid,
    consistency_path,
    grow,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([ordinal])) for ordinal in range(11)]
ROOT = tree_root(LEAVES)
PATH = inclusion_path(LEAVES, 6)


def test_a_proof_that_fails_is_an_integrity_failure() -> None:
    assert issubclass(ProofInvalid, IntegrityFailure)


def test_a_leaf_never_hashes_like_an_inner_node() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_growing_by_nothing_changes_nothing() -> None:
    assert EMPTY.root() == EMPTY_ROOT == tree_root([])
    grown = grow(EMPTY, LEAVES).frontier
    growth = grow(grown, [])
    assert (growth.frontier, growth.root, growth.paths) == (grown, ROOT, [])


def test_an_odd_node_is_promoted_and_never_paired_with_itself() -> None:
    three = tree_root(LEAVES[:3])
    assert three == node_hash(node_hash(LEAVES[0], LEAVES[1]), LEAVES[2])
    assert three != tree_root([*LEAVES[:3], LEAVES[2]])


@pytest.mark.parametrize("position", [-1, 11, 2**70])
def test_a_position_outside_the_tree_is_nonsense_and_no_failed_proof(position: int) -> None:
    with pytest.raises(InvalidInput):
        verify_inclusion(LEAVES[6], position=position, size=11, path=PATH, root=ROOT)
    with pytest.raises(InvalidInput):
        inclusion_path(LEAVES, position)


@pytest.mark.parametrize("wrong", [b"", b"\x00" * 31, b"\x00" * 33])
def test_a_hash_of_the_wrong_length_is_nonsense(wrong: bytes) -> None:
    for leaf, path, root in [(wrong, PATH, ROOT), (LEAVES[6], (wrong, *PATH[1:]), ROOT), (LEAVES[6], PATH, wrong)]:
        with pytest.raises(InvalidInput):
            verify_inclusion(leaf, position=6, size=11, path=path, root=root)
    with pytest.raises(InvalidInput):
        verify_consistency(old_size=3, new_size=11, old_root=wrong, new_root=ROOT, path=consistency_path(LEAVES, 3))


def test_a_path_cut_short_or_drawn_out_is_refused() -> None:
    for path in (PATH[:-1], PATH[1:], (), (*PATH, ROOT)):
        with pytest.raises(ProofInvalid):
            verify_inclusion(LEAVES[6], position=6, size=11, path=path, root=ROOT)
    with pytest.raises(ProofInvalid):
        verify_inclusion(LEAVES[0], position=0, size=1, path=[LEAVES[1]], root=LEAVES[0])


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 11), (-1, 11), (12, 11), (0, 0)])
def test_sizes_that_cannot_be_are_nonsense(old_size: int, new_size: int) -> None:
    with pytest.raises(InvalidInput):
        verify_consistency(old_size=old_size, new_size=new_size, old_root=ROOT, new_root=ROOT, path=[])


def test_a_tree_is_consistent_with_itself_only_without_a_path_and_with_one_root() -> None:
    verify_consistency(old_size=11, new_size=11, old_root=ROOT, new_root=ROOT, path=[])
    for new_root, path in [(ROOT, [ROOT]), (LEAVES[0], [])]:
        with pytest.raises(ProofInvalid):
            verify_consistency(old_size=11, new_size=11, old_root=ROOT, new_root=new_root, path=path)


@pytest.mark.parametrize("old_size", [3, 4, 8])
def test_a_consistency_proof_cut_short_or_drawn_out_is_refused(old_size: int) -> None:
    path, old_root = consistency_path(LEAVES, old_size), tree_root(LEAVES[:old_size])
    for wrong in (path[:-1], path[1:], (), (*path, ROOT)):
        with pytest.raises(ProofInvalid):
            verify_consistency(old_size=old_size, new_size=11, old_root=old_root, new_root=ROOT, path=wrong)


def test_a_frontier_reads_back_from_its_bytes_and_from_nothing_else() -> None:
    frontier = grow(EMPTY, LEAVES).frontier
    data = frontier.to_bytes()
    assert Frontier.from_bytes(data) == frontier
    assert Frontier.from_bytes(EMPTY.to_bytes()) == EMPTY
    other_size = replace(frontier, size=TreeSize(15)).to_bytes()
    for wrong in (b"", data[:7], data[:-1], data + b"\x00", other_size):
        with pytest.raises(InvalidInput):
            Frontier.from_bytes(wrong)
