"""Trees grow the same however they are cut into batches, and hostile bytes give a value or our own error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entries import parse_entry
from shared.errors import ExchangeError
from shared.transparency.checkpoint import parse_checkpoint
from shared.transparency.merkle import EMPTY, Frontier, ProofInvalid, grow, inclusion_path, tree_root, verify_inclusion
from shared.transparency.signed_note import parse_verifier_key, split_note
from shared.transparency.tiles import parse_bundle, parse_tile_path
from shared.transparency.tlog_proof import parse_proof

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
    for parse in (parse_checkpoint, split_note, parse_proof, parse_bundle, parse_entry, Frontier.from_bytes):
        try:
            parse(data)
        except ExchangeError:
            continue
    for read in (parse_tile_path, parse_verifier_key):
        try:
            read(text)
        except ExchangeError:
            continue
