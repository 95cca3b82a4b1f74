"""C2SP tiles (tlog-tiles v0.1.0): paths, widths and bytes of tiles and entry bundles."""

import re
from collections.abc import Sequence

from shared.errors import InvalidInput
from shared.transparency.merkle import HASH_BYTES

TILE_WIDTH = 256
LARGEST_ENTRY_BYTES = 65_535

# Seven groups of digits hold the number of every tile that a log can reach.
_PATH = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")


def tile_index_path(index: int) -> str:
    """Return a tile's number in groups of three digits, all but the last prefixed ``x``: 1234067 is x001/x234/067."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def tile_path(level: int | None, index: int, *, width: int = TILE_WIDTH) -> str:
    """Return a tile's path below the log's prefix. ``level`` None is an entry bundle; a partial one says its width."""
    kind = "entries" if level is None else str(level)
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{kind}/{tile_index_path(index)}{partial}"


def parse_tile_path(path: str) -> tuple[int | None, int, int]:
    """Return level, index and width. Raises InvalidInput for anything but the one canonical path of a tile."""
    found = _PATH.match(path)
    if found is None:
        raise InvalidInput("not a tile's path")
    kind, number, partial = found.groups()
    level = None if kind == "entries" else int(kind)
    index = int(number.replace("x", "").replace("/", ""))
    width = TILE_WIDTH if partial is None else int(partial)
    if width > TILE_WIDTH or tile_path(level, index, width=width) != path:
        raise InvalidInput("not a tile's canonical path")
    return level, index, width


def tiles_of(size: int) -> list[tuple[int, int, int]]:
    """Return level, index and width of every hash tile that a tree of that size has, partial ones included."""
    found: list[tuple[int, int, int]] = []
    level, width = 0, size
    while width > 0:
        full, partial = divmod(width, TILE_WIDTH)
        found.extend((level, index, TILE_WIDTH) for index in range(full))
        if partial:
            found.append((level, full, partial))
        level, width = level + 1, full
    return found


def tile_bytes(hashes: Sequence[bytes]) -> bytes:
    """Return a hash tile's bytes. Raises InvalidInput for none, too many, or a hash that is not 32 bytes."""
    if not 0 < len(hashes) <= TILE_WIDTH or any(len(each) != HASH_BYTES for each in hashes):
        raise InvalidInput("a tile holds 1 to 256 hashes of 32 bytes")
    return b"".join(hashes)


def bundle_bytes(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry after its length as two bytes, big endian."""
    if not 0 < len(entries) <= TILE_WIDTH or any(len(entry) > LARGEST_ENTRY_BYTES for entry in entries):
        raise InvalidInput("a bundle holds 1 to 256 entries of at most 65,535 bytes")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def parse_bundle(data: bytes) -> list[bytes]:
    """Return the entries in a bundle. Raises InvalidInput when it is cut short or holds too many."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2])
        if at + 2 > len(data) or end > len(data) or len(entries) == TILE_WIDTH:
            raise InvalidInput("not a whole entry bundle")
        entries.append(data[at + 2 : end])
        at = end
    return entries


def start_of_tile(full: bytes, *, level: int | None, width: int) -> bytes:
    """Return the partial tile or bundle that a full one begins with. Bytes that are none give others that are none."""
    if level is not None:
        return full[: width * HASH_BYTES]
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(full[at : at + 2])
    return full[:at]
