"""C2SP tlog-proof@v1: the offline receipt that an entry is in a log."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.identifiers import Position
from shared.transparency.checkpoint import LARGEST_SIZE, Checkpoint, open_checkpoint
from shared.transparency.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from shared.transparency.signed_note import NoteVerifier

HEADER = "c2sp.org/tlog-proof@v1"
LONGEST_PATH = 63

_FIRST_LINE = HEADER.encode("ascii") + b"\n"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof as read: the entry's index, the path from its leaf to the root, and the signed checkpoint."""

    index: Position
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof(index: int, *, path: Sequence[bytes], checkpoint: bytes, extra: bytes | None = None) -> bytes:
    """Return the proof's bytes: header, extra if any, index, path (leaf's sibling first), empty line, checkpoint.

    ``extra`` is carried, not proven: whoever reads it must not trust it for being there.
    """
    carried = b"" if extra is None else b"extra " + b2a_base64(extra)
    # b2a_base64 ends each line itself.
    return b"".join((_FIRST_LINE, carried, b"index %d\n" % index, *map(b2a_base64, path), b"\n", checkpoint))


def parse_proof(data: bytes) -> TlogProof:
    """Return what a proof holds, nothing verified. Raises InvalidInput when it is not a proof of this version."""
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator:
        raise InvalidInput("a proof has an empty line before its checkpoint")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("a proof's lines are ASCII") from error
    if lines.pop(0) != HEADER:
        raise InvalidInput(f"a proof begins with {HEADER}")
    extra = _decode(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    index = _INDEX.match(lines.pop(0)) if lines else None
    if index is None:
        raise InvalidInput("a proof gives the entry's index")
    if len(lines) > LONGEST_PATH:
        raise InvalidInput("a proof's path is at most 63 hashes long")
    path = tuple(_decode(line) for line in lines)
    if any(len(each) != HASH_BYTES for each in path):
        raise InvalidInput("a proof's path is made of hashes of 32 bytes")
    position = int(index.group(1))
    if position >= LARGEST_SIZE:
        raise InvalidInput("a proof's index is below 2**63 - 1")
    return TlogProof(Position(position), path, checkpoint, extra)


def verify_proof(leaf_data: bytes, proof: TlogProof, verifiers: Sequence[NoteVerifier]) -> Checkpoint:
    """Return the checkpoint that vouches for an entry's bytes.

    Raises an IntegrityFailure when the checkpoint is not signed by a known key or the path does not lead to its root,
    and InvalidInput when the proof is malformed. Needs nothing but the verifier keys: it works offline.
    """
    checkpoint = open_checkpoint(proof.checkpoint, verifiers)
    verify_inclusion(
        leaf_hash(leaf_data), position=proof.index, size=checkpoint.size, path=proof.path, root=checkpoint.root
    )
    return checkpoint


def _decode(text: str) -> bytes:
    try:
        decoded = a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Base64Error, UnicodeEncodeError) as error:
        raise InvalidInput("a proof's hashes are base64") from error
    # The last character of unpadded length has bits to spare; only one spelling may pass, or receipts could be altered.
    if b2a_base64(decoded, newline=False).decode("ascii") != text:
        raise InvalidInput("a proof's hashes are base64 in its one canonical form")
    return decoded
