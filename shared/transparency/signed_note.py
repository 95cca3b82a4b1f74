"""C2SP signed notes (signed-note v1.0.0): signing them with Ed25519, and opening them."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import IntegrityFailure, InvalidInput

ED25519 = 0x01

MOST_SIGNATURES = 64
LARGEST_NOTE_BYTES = 1_000_000

_KEY_ID_BYTES = 4
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_DASH = "\u2014"


class NoteUnsigned(IntegrityFailure):
    """No key that is known here has signed the note."""

    code = "note-unsigned"


class NoteSignatureInvalid(IntegrityFailure):
    """A key that is known here did not make the signature that bears its name."""

    code = "note-signature-invalid"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose, the key's id, and the bytes that the key's type gives meaning to."""

    name: str
    key_id: bytes
    signature: bytes


class NoteVerifier(Protocol):
    """A key that can tell whether a signature line is its own."""

    @property
    def name(self) -> str:
        """The name on its signature lines."""
        ...

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell it from others of that name."""
        ...

    def verify(self, text: bytes, signature: bytes) -> None:
        """Return when the signature is good; raise NoteSignatureInvalid if not."""
        ...


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note's text (with its final newline) and who signed it: known keys verified, unknown ones passed over."""

    text: bytes
    verified: tuple[NoteSignature, ...]
    unknown: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """Verifies plain Ed25519 signatures (type 0x01) of one key."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes from the name, the type and the key."""
        return key_id(self.name, kind=ED25519, public_key=self.public_key)

    def verifier_key(self) -> str:
        """Return the key as one line of text: ``name+id+base64``."""
        return format_verifier_key(self.name, kind=ED25519, public_key=self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Return when the signature is good; raise NoteSignatureInvalid if not."""
        verify_ed25519(self.public_key, signature, text)


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """Signs notes with one Ed25519 key (type 0x01)."""

    name: str
    private_key: Ed25519PrivateKey

    def verifier(self) -> Ed25519Verifier:
        """Return what verifies this signer's signatures."""
        return Ed25519Verifier(self.name, self.private_key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> NoteSignature:
        """Return the signature line for a text that ends in a newline. The same text gives the same signature."""
        return NoteSignature(self.name, self.verifier().key_id, self.private_key.sign(text))


def key_id(name: str, *, kind: int, public_key: bytes) -> bytes:
    """Return the first four bytes of SHA-256 over name, newline, type and public key."""
    return sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + public_key).digest()[:_KEY_ID_BYTES]


def format_verifier_key(name: str, *, kind: int, public_key: bytes) -> str:
    """Return a public key as one line of text: ``name+id+base64``. ``parse_verifier_key`` reads it."""
    encoded = base64.b64encode(bytes([kind]) + public_key).decode("ascii")
    return f"{name}+{key_id(name, kind=kind, public_key=public_key).hex()}+{encoded}"


def format_note(text: bytes, signatures: Sequence[NoteSignature]) -> bytes:
    """Return the note's bytes: the text, an empty line, and one line for each signature.

    Raises InvalidInput for a text that no note may hold, or when nobody has signed it.
    """
    _check_text(text)
    if not signatures:
        raise InvalidInput("a note has at least one signature")
    return text + b"\n" + b"".join(format_signature(signature) for signature in signatures)


def format_signature(signature: NoteSignature) -> bytes:
    """Return one signature line with its newline. Raises InvalidInput for a name that no key may have."""
    if not is_key_name(signature.name):
        raise InvalidInput("a key's name has no spaces and no plus sign")
    encoded = base64.b64encode(signature.key_id + signature.signature).decode("ascii")
    return f"{_DASH} {signature.name} {encoded}\n".encode()


def open_note(note: bytes, verifiers: Sequence[NoteVerifier]) -> OpenedNote:
    """Return a note's text if at least one known key signed it and no known key's signature is bad.

    Each known key stands in ``verified`` once, however often it signed, so that its length counts keys.

    Raises NoteUnsigned, NoteSignatureInvalid, or InvalidInput when the bytes are not a note.
    """
    text, signatures = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: dict[tuple[str, bytes], NoteSignature] = {}
    unknown: list[NoteSignature] = []
    for signature in signatures:
        key = (signature.name, signature.key_id)
        if key not in known:
            unknown.append(signature)
            continue
        known[key].verify(text, signature.signature)
        verified.setdefault(key, signature)
    if not verified:
        raise NoteUnsigned("the note is signed by no key that is known here")
    return OpenedNote(text, tuple(verified.values()), tuple(unknown))


def split_note(note: bytes) -> tuple[bytes, tuple[NoteSignature, ...]]:
    """Return a note's text and its signature lines, none verified. Raises InvalidInput when it is not a note."""
    if len(note) > LARGEST_NOTE_BYTES:
        raise InvalidInput("the note is too large")
    text, separator, lines = _check_text(note).rpartition("\n\n")
    if not separator:
        raise InvalidInput("a note has an empty line before its signatures")
    return (text + "\n").encode("utf-8"), _parse_signatures(lines)


def parse_signatures(lines: bytes) -> tuple[NoteSignature, ...]:
    """Return the signature lines that stand alone, none verified. Raises InvalidInput when they are not that."""
    if len(lines) > LARGEST_NOTE_BYTES:
        raise InvalidInput("the signature lines are too large")
    return _parse_signatures(_check_text(lines))


def is_key_name(name: str) -> bool:
    """Return whether a key may have that name: not empty, no spaces, no plus sign (signed-note v1.0.0, Format)."""
    if not name or "+" in name or any(character.isspace() for character in name) or _CONTROL.search(name):
        return False
    # What came from a command line may hold lone surrogates, which no UTF-8 text can.
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _check_text(text: bytes) -> str:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("a note is UTF-8") from error
    if _CONTROL.search(decoded) or not decoded.endswith("\n"):
        raise InvalidInput("a note has no control characters and ends in a newline")
    return decoded


def _parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    signatures = tuple(_parse_signature(line) for line in lines.removesuffix("\n").split("\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise InvalidInput("the note has too many signatures")
    return signatures


def _parse_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not is_key_name(parts[1]):
        raise InvalidInput("a note's signature line is a dash, a name and base64")
    held = decode_base64(parts[2])
    if len(held) <= _KEY_ID_BYTES:
        raise InvalidInput("a note's signature is too short")
    return NoteSignature(parts[1], held[:_KEY_ID_BYTES], held[_KEY_ID_BYTES:])


def decode_base64(text: str) -> bytes:
    """Return what base64 text holds. Raises InvalidInput unless it is in its one canonical form."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidInput("not base64") from error
    if base64.b64encode(decoded).decode("ascii") != text:
        raise InvalidInput("not base64 in its one canonical form")
    return decoded


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> None:
    """Return when the key made the signature; raise NoteSignatureInvalid if not."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteSignatureInvalid("a note's signature is not by the key whose name it bears") from error
