"""A log as static files, made leaf by leaf by the definition, to hold what reads such files against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import NotFound
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import leaf_hash, node_hash, tree_root
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import TILE_WIDTH, bundle_bytes, tile_bytes, tile_path, tiles_of

SIGNER = NoteSigner("log.example/test", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def checkpoint_of(leaves: Sequence[bytes], *, signer: NoteSigner = SIGNER) -> bytes:
    """Return the signed checkpoint of a log of those leaves."""
    root = tree_root([leaf_hash(leaf) for leaf in leaves])
    return sign_checkpoint(Checkpoint(signer.name, TreeSize(len(leaves)), root), [signer])


def static_log(leaves: Sequence[bytes], *, signer: NoteSigner = SIGNER) -> dict[str, bytes]:
    """Return every file of a log of those leaves, by its path."""
    files = {"checkpoint": checkpoint_of(leaves, signer=signer)}
    for first in range(0, len(leaves), TILE_WIDTH):
        bundle = leaves[first : first + TILE_WIDTH]
        files[tile_path(None, first // TILE_WIDTH, width=len(bundle))] = bundle_bytes(bundle)
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) >= TILE_WIDTH:
        level = levels[-1]
        whole = len(level) - len(level) % TILE_WIDTH
        levels.append([_tile_root(level[at : at + TILE_WIDTH]) for at in range(0, whole, TILE_WIDTH)])
    for each, index, width in tiles_of(len(leaves)):
        first = index * TILE_WIDTH
        files[tile_path(each, index, width=width)] = tile_bytes(levels[each][first : first + width])
    return files


def write_log(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a log's files below a folder."""
    for path, data in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


@dataclass(frozen=True, slots=True)
class MemoryTiles:
    """A TileSource over files in memory."""

    files: Mapping[str, bytes]

    async def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises NotFound."""
        if path not in self.files:
            raise NotFound(f"the log's files lack {path}")
        return self.files[path]


def _tile_root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]
