"""C2SP checkpoints (tlog-checkpoint v1.0.0): a log's name, size and root, signed as a note."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.merkle import HASH_BYTES
from shared.transparency.signed_note import (
    NoteSigner,
    NoteUnsigned,
    NoteVerifier,
    format_note,
    is_key_name,
    open_note,
    split_note,
)

LARGEST_SIZE = 2**63 - 1
"""As large as a tree may say it is: what every verifier's signed 64-bit integer holds."""

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


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


def check_origin(origin: str) -> None:
    """Return when a log may be called that; raise InvalidInput if not.

    An origin is a URL prefix without its scheme and without a trailing slash (tlog-tiles v0.1.0, Parameters), with no
    space and no plus sign, so that it can also be the name of the log's key.
    """
    if not is_key_name(origin) or origin.endswith("/") or "://" in origin:
        raise InvalidInput("an origin is a URL prefix without scheme, trailing slash, spaces or plus signs")


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> bytes:
    """Return the signed note. The same checkpoint and keys give the same bytes.

    Raises InvalidInput for an origin, size or root that no reader would accept.
    """
    check_origin(checkpoint.origin)
    if not 0 <= checkpoint.size <= LARGEST_SIZE or len(checkpoint.root) != HASH_BYTES:
        raise InvalidInput("a checkpoint has a size from 0 to 2**63 - 1 and a root of 32 bytes")
    body = checkpoint.body()
    return format_note(body, [signer.sign(body) for signer in signers])


def open_checkpoint(note: bytes, verifiers: Sequence[NoteVerifier]) -> Checkpoint:
    """Return what a checkpoint says, once a known key of the log it names is found to have signed it.

    A log's key bears the log's origin as its name (tlog-checkpoint v1.0.0, Signatures). A witness alone does not do:
    it cosigns for many logs, and one of them must not be able to speak for another.

    Raises NoteUnsigned, NoteSignatureInvalid, or InvalidInput when it is not a checkpoint.
    """
    opened = open_note(note, verifiers)
    checkpoint = parse_checkpoint(opened.text)
    if all(signature.name != checkpoint.origin for signature in opened.verified):
        raise NoteUnsigned("the checkpoint is signed by no known key of the log that it names")
    return checkpoint


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
    check_origin(origin)
    if not _SIZE.match(size) or int(size) > LARGEST_SIZE:
        raise InvalidInput("a checkpoint's size is a decimal number below 2**63, without leading zeros")
    try:
        root = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidInput("a checkpoint's root is base64") from error
    if len(root) != HASH_BYTES or base64.b64encode(root).decode("ascii") != encoded:
        raise InvalidInput("a checkpoint's root is the canonical base64 of 32 bytes")
    return Checkpoint(origin, TreeSize(int(size)), root)
