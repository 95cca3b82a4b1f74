"""Proofs from tiles are those of RFC 6962's definitions, cost few tiles, and never vouch for a bad tile."""

import pytest

from shared.errors import InvalidInput, NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import ProofInvalid, consistency_path, inclusion_path, tree_root
from shared.transparency.tile_proofs import TileProver
from tests.machinery.tiled_log import ORIGIN, FakeTiles, checkpoint_of, synthetic_leaves

LEAVES = synthetic_leaves(65_793)
TILES = FakeTiles.of(LEAVES)
SIZES = [1, 2, 3, 7, 8, 254, 255, 256, 257, 258, 511, 512, 513, 767, 769]
LARGE_SIZES = [65_535, 65_536, 65_537, 65_792, 65_793]


def prover(size: int) -> TileProver:
    return TileProver(TILES, checkpoint_of(LEAVES[:size]))


@pytest.mark.parametrize("size", SIZES)
async def test_every_inclusion_and_consistency_proof_is_that_of_the_definition(size: int) -> None:
    made = prover(size)
    for position in range(0, size, max(1, size // 40)):
        proof = await made.inclusion(position)
        assert (proof.leaf_hash, proof.path) == (LEAVES[position], inclusion_path(LEAVES[:size], position))
    for old_size in sorted({*range(1, size + 1, max(1, size // 40)), *(each for each in SIZES if each <= size)}):
        assert await made.consistency(TreeSize(old_size)) == consistency_path(LEAVES[:size], old_size)
        assert await made.root_at(TreeSize(old_size)) == tree_root(LEAVES[:old_size])


@pytest.mark.parametrize("size", LARGE_SIZES)
async def test_proofs_across_three_levels_are_those_of_the_definition(size: int) -> None:
    made = prover(size)
    for position in (0, 255, 256, 40_000, size - 1):
        assert (await made.inclusion(position)).path == inclusion_path(LEAVES[:size], position)
    for old_size in (1, 256, 40_000, 65_535, size):
        assert await made.consistency(TreeSize(old_size)) == consistency_path(LEAVES[:size], old_size)


async def test_a_proof_reads_at_most_two_tiles_of_each_level() -> None:
    for size in (257, 65_537, 65_793):
        for position in (0, size // 2, size - 1):
            tiles = FakeTiles(TILES.levels)
            await TileProver(tiles, checkpoint_of(LEAVES[:size])).inclusion(position)
            assert tiles.reads <= 2 * 3


async def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    class OnlyFull(FakeTiles):
        async def read(self, path: str) -> bytes:
            if ".p/" in path:
                raise NotFound("deleted")
            return await super().read(path)

    made = TileProver(OnlyFull(TILES.levels), checkpoint_of(LEAVES[:200]))
    assert (await made.inclusion(7)).path == inclusion_path(LEAVES[:200], 7)


async def test_a_tile_with_one_wrong_hash_proves_nothing() -> None:
    levels = [list(level) for level in TILES.levels]
    levels[0][5] = bytes(32)
    levels[1][2] = bytes(32)
    made = TileProver(FakeTiles(levels), checkpoint_of(LEAVES[:1_000]))
    with pytest.raises(ProofInvalid):
        await made.inclusion(4)
    with pytest.raises(ProofInvalid):
        await made.consistency(TreeSize(1_000 - 1))


async def test_a_tile_cut_short_proves_nothing() -> None:
    class Short(FakeTiles):
        async def read(self, path: str) -> bytes:
            return (await super().read(path))[:-1]

    with pytest.raises(ProofInvalid):
        await TileProver(Short(TILES.levels), checkpoint_of(LEAVES[:9])).inclusion(0)


async def test_a_checkpoint_of_another_tree_is_not_proven() -> None:
    with pytest.raises(ProofInvalid):
        await TileProver(TILES, Checkpoint(ORIGIN, TreeSize(300), bytes(32))).inclusion(0)


async def test_sizes_and_positions_that_cannot_be_are_refused() -> None:
    for position in (-1, 9):
        with pytest.raises(InvalidInput):
            await prover(9).inclusion(position)
    for old_size in (0, 10):
        with pytest.raises(InvalidInput):
            await prover(9).consistency(TreeSize(old_size))
