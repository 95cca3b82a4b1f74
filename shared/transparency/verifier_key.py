"""Verifier keys (C2SP signed-note v1.0.0, Verifier keys): a public key of any known type as one line of text."""

from collections.abc import Iterable

from shared.errors import InvalidInput
from shared.transparency.cosignature import (
    COSIGNATURE_V1,
    ML_DSA_44,
    ML_DSA_44_KEY_BYTES,
    CosignatureVerifier,
    MlDsaCosignatureVerifier,
)
from shared.transparency.signed_note import ED25519, Ed25519Verifier, decode_base64, is_key_name

Verifier = Ed25519Verifier | CosignatureVerifier | MlDsaCosignatureVerifier

_KINDS: dict[int, tuple[type[Ed25519Verifier] | type[CosignatureVerifier] | type[MlDsaCosignatureVerifier], int]] = {
    ED25519: (Ed25519Verifier, 32),
    COSIGNATURE_V1: (CosignatureVerifier, 32),
    ML_DSA_44: (MlDsaCosignatureVerifier, ML_DSA_44_KEY_BYTES),
}


def parse_verifier_key(text: str) -> Verifier:
    """Return the verifier that a line ``name+id+base64`` describes. Raises InvalidInput when it is not one.

    The base64 may itself contain a plus sign, so only the first two separate.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise InvalidInput("not a verifier key: name+id+base64 is expected")
    name, claimed_id, encoded = parts
    key = decode_base64(encoded)
    kind, key_bytes = _KINDS.get(key[0], (None, 0)) if key else (None, 0)
    if kind is None or len(key) != 1 + key_bytes:
        raise InvalidInput("the verifier key is not of a type that is known here")
    verifier = kind(name, key[1:])
    if verifier.key_id.hex() != claimed_id:
        raise InvalidInput("the verifier key's id does not fit its name and key")
    return verifier


def parse_log_keys(lines: Iterable[str]) -> tuple[Ed25519Verifier, ...]:
    """Return the keys that verifier-key lines describe. Raises InvalidInput when one signs no checkpoints."""
    verifiers = []
    for line in lines:
        verifier = parse_verifier_key(line)
        if not isinstance(verifier, Ed25519Verifier):
            raise InvalidInput("the log's key is not one that signs checkpoints")
        verifiers.append(verifier)
    return tuple(verifiers)
