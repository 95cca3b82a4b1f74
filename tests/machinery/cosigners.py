"""Two witnesses' keys, of either kind, and what they sign."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from shared.transparency.cosignature import (
    CosignatureVerifier,
    MlDsaCosignatureVerifier,
    cosign,
    cosign_with_ml_dsa,
)
from shared.transparency.signed_note import format_signature

_CLASSIC, _LASTING = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
CLASSIC = CosignatureVerifier("witness.example/one", _CLASSIC.public_key().public_bytes_raw())
POST_QUANTUM = MlDsaCosignatureVerifier("witness.example/two", _LASTING.public_key().public_bytes_raw())
NAMED = tuple(f"{each.name}+{each.key_id.hex()}" for each in (CLASSIC, POST_QUANTUM))
"""Both keys by name and id."""
WITNESS_KEYS = tuple(word for each in (CLASSIC, POST_QUANTUM) for word in ("--witness-key", each.verifier_key()))
"""Arguments that give an audit both keys."""

TIME_S = 1_800_000_000


def cosignature(note: bytes, *, by: CosignatureVerifier | MlDsaCosignatureVerifier) -> bytes:
    """Return the signature line of one of the two on a checkpoint."""
    body = note.rpartition(b"\n\n")[0] + b"\n"
    if by is CLASSIC:
        return format_signature(cosign(body, name=by.name, private_key=_CLASSIC, time_s=TIME_S))
    return format_signature(cosign_with_ml_dsa(body, name=by.name, private_key=_LASTING, time_s=TIME_S))


def cosigned_by_both(note: bytes) -> bytes:
    """Return a checkpoint with both their cosignatures."""
    return note + cosignature(note, by=CLASSIC) + cosignature(note, by=POST_QUANTUM)
