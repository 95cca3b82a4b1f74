"""Which tiles a log has, how they are named, and what is no tile."""

import pytest

from shared.errors import InvalidInput
from shared.transparency.tiles import bundle_bytes, parse_bundle, parse_tile_path, tile_bytes, tile_path, tiles_of


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_a_tree_has_its_full_tiles_and_no_empty_ones(size: int, paths: list[str]) -> None:
    assert [tile_path(level, index, width=width) for level, index, width in tiles_of(size)] == paths


@pytest.mark.parametrize("size", [1, 256, 65_536, 70_000, 131_073])
def test_the_tiles_of_a_level_hold_a_hash_for_every_full_tile_below(size: int) -> None:
    tiles = tiles_of(size)
    for level in range(tiles[-1][0] + 1):
        assert sum(width for at, _, width in tiles if at == level) == size >> 8 * level


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/1000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries/000.p/256",
        "tile/data/000",
        "tile/0/../000",
        "tile/0/" + "x001/" * 1_500 + "001",
    ],
)
def test_a_tile_has_one_path_and_no_other(path: str) -> None:
    with pytest.raises(InvalidInput):
        parse_tile_path(path)


@pytest.mark.parametrize("path", ["tile/63/000.p/1", "tile/entries/x001/x234/067.p/9", f"tile/0/{'x999/' * 6}999"])
def test_the_path_of_a_tile_reads_back(path: str) -> None:
    level, index, width = parse_tile_path(path)
    assert tile_path(level, index, width=width) == path


def test_no_tile_or_bundle_is_empty_or_more_than_full() -> None:
    for count in (0, 257):
        with pytest.raises(InvalidInput):
            tile_bytes([bytes(32)] * count)
        with pytest.raises(InvalidInput):
            bundle_bytes([b"entry"] * count)
    with pytest.raises(InvalidInput):
        tile_bytes([bytes(31)])


def test_an_entry_as_long_as_its_length_can_say_fits_and_a_longer_one_does_not() -> None:
    entries = [b"", b"x" * 65_535]
    assert parse_bundle(bundle_bytes(entries)) == entries
    with pytest.raises(InvalidInput):
        bundle_bytes([b"x" * 65_536])


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x01", b"\x00\x02a", b"\x00\x01ab", b"\x00\x00" * 257])
def test_what_is_no_whole_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_bundle(data)
