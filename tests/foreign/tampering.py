"""Ways to tamper with a published log's files, each of which every verifier of tiles must find."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint, sign_checkpoint
from shared.transparency.signed_note import NoteSigner

Tamper = Callable[[Path], None]


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def _said(folder: Path) -> Checkpoint:
    return read_unverified_checkpoint((folder / "checkpoint").read_bytes())


def _newest_bundle(folder: Path) -> Path:
    size = _said(folder).size
    return folder / f"tile/entries/{size // 256:03d}.p/{size % 256}"


def _newest_tile(folder: Path) -> Path:
    size = _said(folder).size
    return folder / f"tile/0/{size // 256:03d}.p/{size % 256}"


def _sign_with_a_stranger_s_key(folder: Path) -> None:
    said = _said(folder)
    stranger = NoteSigner(said.origin, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    (folder / "checkpoint").write_bytes(sign_checkpoint(said, [stranger]))


def _rewrite(folder: Path, body: bytes) -> None:
    note = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint").write_bytes(note.replace(_said(folder).body(), body))


def _change_root(folder: Path) -> None:
    said = _said(folder)
    _rewrite(folder, Checkpoint(said.origin, said.size, bytes(32)).body())


def _claim_less(folder: Path) -> None:
    said = _said(folder)
    _rewrite(folder, Checkpoint(said.origin, TreeSize(said.size - 1), said.root).body())


FORGED_CHECKPOINTS: Mapping[str, Tamper] = {
    "a checkpoint signed by a stranger": _sign_with_a_stranger_s_key,
    "a checkpoint with another root": _change_root,
    "a checkpoint with another size": _claim_less,
}
EDITED_BUNDLES: Mapping[str, Tamper] = {
    "an entry edited in a full bundle": lambda folder: _flip(folder / "tile/entries/000", 1_000),
    "an entry edited in the newest bundle": lambda folder: _flip(_newest_bundle(folder), -2),
}
BAD_TILES: Mapping[str, Tamper] = {
    "a bad hash in a full tile": lambda folder: _flip(folder / "tile/0/000", 37),
    "a bad hash in the newest tile": lambda folder: _flip(_newest_tile(folder), -1),
    "a bad hash one level up": lambda folder: _flip(folder / "tile/1/000.p/1", 0),
}
MISSING: Mapping[str, Tamper] = {"a bundle that is not there": lambda folder: (folder / "tile/entries/000").unlink()}
EVERY_WAY: Mapping[str, Tamper] = {**FORGED_CHECKPOINTS, **EDITED_BUNDLES, **BAD_TILES, **MISSING}
