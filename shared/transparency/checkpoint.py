"""C2SP checkpoints (tlog-checkpoint v1.0.0): a log's name, size and root, signed as a note."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.merkle import HASH_BYTES
from shared.transparency.signed_note import NoteSigner, NoteVerifier, format_note, open_note, split_note

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_ORIGIN = re.compile(r"[^\s+]+\Z")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its origin, how many entries it holds, and the root of their tree."""

    origin: str
    size: TreeSize
    root: bytes

    def body(self) -> bytes:
        """Return the three lines that are signed."""
        encoded = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{encoded}\n".encode()


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> bytes:
    """Return the signed note. The same checkpoint and keys give the same bytes."""
    body = checkpoint.body()
    return format_note(body, [signer.sign(body) for signer in signers])


def open_checkpoint(note: bytes, verifiers: Sequence[NoteVerifier]) -> Checkpoint:
    """Return what a checkpoint says, once a known key is found to have signed it.

    Raises NoteUnsigned, NoteSignatureInvalid, or InvalidInput when it is not a checkpoint.
    """
    return parse_checkpoint(open_note(note, verifiers).text)


def read_unverified_checkpoint(note: bytes) -> Checkpoint:
    """Return what a checkpoint says, whoever may have signed it. Raises InvalidInput when it is not one."""
    return parse_checkpoint(split_note(note)[0])


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Return what a checkpoint's body says. Raises InvalidInput unless it is exactly origin, size and root."""
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("a checkpoint is UTF-8") from error
    if len(lines) != 4 or lines[3]:
        raise InvalidInput("a checkpoint is three lines: origin, size and root")
    origin, size, encoded = lines[:3]
    if not _ORIGIN.match(origin):
        raise InvalidInput("a checkpoint's origin has no spaces and no plus sign")
    if not _SIZE.match(size):
        raise InvalidInput("a checkpoint's size is a decimal number without leading zeros")
    try:
        root = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidInput("a checkpoint's root is base64") from error
    if len(root) != HASH_BYTES or base64.b64encode(root).decode("ascii") != encoded:
        raise InvalidInput("a checkpoint's root is the canonical base64 of 32 bytes")
    return Checkpoint(origin, TreeSize(int(size)), root)
