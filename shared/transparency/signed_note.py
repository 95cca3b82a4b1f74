"""C2SP signed notes (signed-note v1.0.0) and witness cosignatures (tlog-cosignature): signing and opening them."""

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
COSIGNATURE_V1 = 0x04

MOST_SIGNATURES = 64
LARGEST_NOTE_BYTES = 1_000_000

_KEY_ID_BYTES = 4
_LATEST_TIME_S = 2**63 - 1
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
        return _format_verifier_key(self.name, kind=ED25519, public_key=self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Return when the signature is good; raise NoteSignatureInvalid if not."""
        _verify_ed25519(self.public_key, signature, text)


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """Verifies a witness's cosignatures (type 0x04) of one key, which is used for nothing else."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes from the name, the type and the key."""
        return key_id(self.name, kind=COSIGNATURE_V1, public_key=self.public_key)

    def verifier_key(self) -> str:
        """Return the key as one line of text: ``name+id+base64``."""
        return _format_verifier_key(self.name, kind=COSIGNATURE_V1, public_key=self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Return when the signature is good; raise NoteSignatureInvalid if not."""
        time_s, made = int.from_bytes(signature[:8]), signature[8:]
        _verify_ed25519(self.public_key, made, cosigned_message(text, time_s=time_s))


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


def cosign(text: bytes, *, name: str, private_key: Ed25519PrivateKey, time_s: int) -> NoteSignature:
    """Return a witness's cosignature (type 0x04) made at ``time_s`` seconds since 1970.

    Raises InvalidInput for a time before 1970 or beyond a signed 64-bit integer.
    """
    if not 0 <= time_s <= _LATEST_TIME_S:
        raise InvalidInput("a cosignature's time is a number of seconds since 1970")
    public_key = private_key.public_key().public_bytes_raw()
    made = private_key.sign(cosigned_message(text, time_s=time_s))
    return NoteSignature(name, key_id(name, kind=COSIGNATURE_V1, public_key=public_key), time_s.to_bytes(8) + made)


def cosigned_message(text: bytes, *, time_s: int) -> bytes:
    """Return what a cosignature signs: its version, its time, and the note's text."""
    return f"cosignature/v1\ntime {time_s}\n".encode("ascii") + text


def key_id(name: str, *, kind: int, public_key: bytes) -> bytes:
    """Return the first four bytes of SHA-256 over name, newline, type and public key."""
    return sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + public_key).digest()[:_KEY_ID_BYTES]


def parse_verifier_key(text: str) -> Ed25519Verifier | CosignatureVerifier:
    """Return the verifier that a line ``name+id+base64`` describes. Raises InvalidInput when it is not one."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise InvalidInput("not a verifier key: name+id+base64 is expected")
    name, claimed_id, encoded = parts
    key = _decode_base64(encoded)
    if len(key) != 33 or key[0] not in (ED25519, COSIGNATURE_V1):
        raise InvalidInput("the verifier key is not of a type that is known here")
    kind = Ed25519Verifier if key[0] == ED25519 else CosignatureVerifier
    verifier = kind(name, key[1:])
    if verifier.key_id.hex() != claimed_id:
        raise InvalidInput("the verifier key's id does not fit its name and key")
    return verifier


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
    signatures = tuple(_parse_signature(line) for line in lines.removesuffix("\n").split("\n"))
    if len(signatures) > MOST_SIGNATURES:
        raise InvalidInput("the note has too many signatures")
    return (text + "\n").encode("utf-8"), signatures


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


def _format_verifier_key(name: str, *, kind: int, public_key: bytes) -> str:
    encoded = base64.b64encode(bytes([kind]) + public_key).decode("ascii")
    return f"{name}+{key_id(name, kind=kind, public_key=public_key).hex()}+{encoded}"


def _parse_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not is_key_name(parts[1]):
        raise InvalidInput("a note's signature line is a dash, a name and base64")
    held = _decode_base64(parts[2])
    if len(held) <= _KEY_ID_BYTES:
        raise InvalidInput("a note's signature is too short")
    return NoteSignature(parts[1], held[:_KEY_ID_BYTES], held[_KEY_ID_BYTES:])


def _decode_base64(text: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidInput("not base64") from error
    if base64.b64encode(decoded).decode("ascii") != text:
        raise InvalidInput("not base64 in its one canonical form")
    return decoded


def _verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NoteSignatureInvalid("a note's signature is not by the key whose name it bears") from error
