"""At any two sizes and any position, the proofs from tiles are those of the definitions."""

from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import TreeSize
from shared.transparency.merkle import consistency_path, inclusion_path
from shared.transparency.tile_proofs import TileProver
from tests.machinery.tiled_log import FakeTiles, checkpoint_of, synthetic_leaves

LEAVES = synthetic_leaves(1_100)
TILES = FakeTiles.of(LEAVES)


@given(st.integers(1, len(LEAVES)), st.data())
async def test_any_proof_from_tiles_is_that_of_the_definition(size: int, data: st.DataObject) -> None:
    prover = TileProver(TILES, checkpoint_of(LEAVES[:size]))
    position = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(1, size))
    assert (await prover.inclusion(position)).path == inclusion_path(LEAVES[:size], position)
    assert await prover.consistency(TreeSize(old_size)) == consistency_path(LEAVES[:size], old_size)
