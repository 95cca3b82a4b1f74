"""Witness cosignatures (C2SP tlog-cosignature): making and verifying them with Ed25519 and with ML-DSA-44."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from shared.errors import InvalidInput
from shared.transparency.checkpoint import Checkpoint, parse_checkpoint
from shared.transparency.signed_note import (
    NoteSignature,
    NoteSignatureInvalid,
    format_verifier_key,
    key_id,
    verify_ed25519,
)

COSIGNATURE_V1 = 0x04
ML_DSA_44 = 0x06

ML_DSA_44_KEY_BYTES = 1_312
_TIME_BYTES = 8
_LATEST_TIME_S = 2**63 - 1
_LONGEST_NAME_BYTES = 255
_SUBTREE_LABEL = b"subtree/v1\n\0"


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
        return format_verifier_key(self.name, kind=COSIGNATURE_V1, public_key=self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Return when the signature is good; raise NoteSignatureInvalid if not."""
        time_s, made = int.from_bytes(signature[:_TIME_BYTES]), signature[_TIME_BYTES:]
        try:
            _check_time(time_s)
        except InvalidInput as error:
            raise NoteSignatureInvalid("a cosignature's time is beyond what any may be") from error
        verify_ed25519(self.public_key, made, cosigned_message(text, time_s=time_s))


@dataclass(frozen=True, slots=True)
class MlDsaCosignatureVerifier:
    """Verifies a witness's cosignatures (type 0x06) of one ML-DSA-44 key: for records that must outlive Ed25519."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes from the name, the type and the key."""
        return key_id(self.name, kind=ML_DSA_44, public_key=self.public_key)

    def verifier_key(self) -> str:
        """Return the key as one line of text: ``name+id+base64``."""
        return format_verifier_key(self.name, kind=ML_DSA_44, public_key=self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Return when the signature is good and the text a checkpoint; raise NoteSignatureInvalid if not."""
        time_s, made = int.from_bytes(signature[:_TIME_BYTES]), signature[_TIME_BYTES:]
        try:
            _check_time(time_s)
            message = subtree_message(parse_checkpoint(text), name=self.name, time_s=time_s)
            MLDSA44PublicKey.from_public_bytes(self.public_key).verify(made, message)
        except (InvalidInput, InvalidSignature, ValueError) as error:
            raise NoteSignatureInvalid("a cosignature is not by the key whose name it bears") from error


def cosign(text: bytes, *, name: str, private_key: Ed25519PrivateKey, time_s: int) -> NoteSignature:
    """Return a witness's cosignature (type 0x04) made at ``time_s`` seconds since 1970.

    Raises InvalidInput for a time before 1970 or beyond a signed 64-bit integer.
    """
    _check_time(time_s)
    public_key = private_key.public_key().public_bytes_raw()
    made = private_key.sign(cosigned_message(text, time_s=time_s))
    return NoteSignature(
        name, key_id(name, kind=COSIGNATURE_V1, public_key=public_key), time_s.to_bytes(_TIME_BYTES) + made
    )


def cosign_with_ml_dsa(text: bytes, *, name: str, private_key: MLDSA44PrivateKey, time_s: int) -> NoteSignature:
    """Return a witness's cosignature (type 0x06) on a checkpoint's body, made at ``time_s`` seconds since 1970.

    The signature is randomised: two of the same differ, and both are good. Raises InvalidInput for a text that is no
    checkpoint, a name or origin longer than 255 bytes, or a time that does not fit.
    """
    _check_time(time_s)
    public_key = private_key.public_key().public_bytes_raw()
    made = private_key.sign(subtree_message(parse_checkpoint(text), name=name, time_s=time_s))
    return NoteSignature(name, key_id(name, kind=ML_DSA_44, public_key=public_key), time_s.to_bytes(_TIME_BYTES) + made)


def cosigned_message(text: bytes, *, time_s: int) -> bytes:
    """Return what an Ed25519 cosignature signs: its version, its time, and the note's text."""
    return f"cosignature/v1\ntime {time_s}\n".encode("ascii") + text


def subtree_message(checkpoint: Checkpoint, *, name: str, time_s: int) -> bytes:
    """Return what an ML-DSA-44 cosignature signs: label, cosigner, time, origin, and the tree from leaf 0 to its size.

    Raises InvalidInput for a name or origin that is empty or longer than 255 bytes.
    """
    return b"".join(
        (
            _SUBTREE_LABEL,
            _counted(name),
            time_s.to_bytes(8),
            _counted(checkpoint.origin),
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _counted(text: str) -> bytes:
    encoded = text.encode("utf-8")
    if not 0 < len(encoded) <= _LONGEST_NAME_BYTES:
        raise InvalidInput("a cosigner's name and a log's origin have 1 to 255 bytes")
    return bytes([len(encoded)]) + encoded


def _check_time(time_s: int) -> None:
    if not 0 <= time_s <= _LATEST_TIME_S:
        raise InvalidInput("a cosignature's time is a number of seconds since 1970")
