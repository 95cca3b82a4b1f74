"""Proof that whoever brings a public key holds its private half, for one agency: a signature that fits nothing else."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from shared.errors import InvalidInput
from shared.identifiers import AgencyId, KeyThumbprint
from shared.signatures.errors import SignatureInvalid
from shared.signatures.keys import PublicKey, SigningKey

_TAG = "safeguarding-exchange/key-possession/v1"
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}\Z")


class PossessionUnproven(InvalidInput):
    """Nothing shows that the agency holds the private half of the key it brings."""

    code = "possession-unproven"


def possession_message(agency: AgencyId, thumbprint: KeyThumbprint) -> bytes:
    """Return what the new key signs: three lines, each with its newline. A proof for one agency is none for another."""
    return f"{_TAG}\nagency: {agency}\nkey: {thumbprint}\n".encode("ascii")


def prove_possession(agency: AgencyId, key: SigningKey) -> str:
    """Return the proof: the key's signature in base64url without padding (ECDSA as r and s side by side)."""
    signature = key.sign(possession_message(agency, key.public.thumbprint))
    return urlsafe_b64encode(signature).rstrip(b"=").decode("ascii")


def verify_possession(proof: str, *, agency: AgencyId, key: PublicKey) -> None:
    """Return when the proof is the key's own, for that agency. Raises PossessionUnproven."""
    try:
        if not _SIGNATURE.match(proof):
            raise SignatureInvalid("not 64 bytes in base64url without padding")
        key.verify(urlsafe_b64decode(proof + "=="), possession_message(agency, key.thumbprint))
    except SignatureInvalid as error:
        raise PossessionUnproven(
            "the proof is not the new key's signature over the text that names the agency and the key",
            remedy="Sign the three lines that docs/api.md shows with the new key.",
        ) from error
