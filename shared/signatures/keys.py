"""Keys that sign HTTP messages: Ed25519, and ECDSA on P-256 for estates whose keys live in an HSM."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.canonical_json import canonical_bytes
from shared.errors import InvalidInput
from shared.identifiers import KeyThumbprint
from shared.signatures.errors import SignatureInvalid

_P256_BYTES = 32
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}\Z")

# The y of each point of small order on edwards25519, in every encoding (RFC 8032 section 5.1.3 leaves them legal).
# Signatures that hold for any message at all can be made for such a key, so they would be no evidence of who signed.
_PRIME = 2**255 - 19
_SMALL_ORDER = frozenset(
    {
        0,
        1,
        _PRIME - 1,
        _PRIME,
        _PRIME + 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)


class Algorithm(StrEnum):
    """Signature algorithms by their names in the HTTP Signature Algorithms registry (RFC 9421 section 6.2)."""

    ED25519 = "ed25519"
    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that verifies. Its algorithm comes with it, never from a message."""

    algorithm: Algorithm
    thumbprint: KeyThumbprint
    key: Ed25519PublicKey | ec.EllipticCurvePublicKey

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return when the signature is good; raise SignatureInvalid if not."""
        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                if len(signature) != 2 * _P256_BYTES:
                    raise InvalidSignature
                r, s = int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:])
                self.key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise SignatureInvalid(
                "the signature was not made by this key over this message",
                remedy="Sign exactly what is sent, for the host name that the exchange goes by, and compare your base "
                "with the worked one in docs/api.md.",
            ) from error

    def jwk(self) -> dict[str, str]:
        """Return the key as a JSON Web Key, with its thumbprint as ``kid``."""
        return {**_public_members(self.key), "kid": self.thumbprint}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that signs."""

    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    public: PublicKey

    def sign(self, message: bytes) -> bytes:
        """Return the signature: 64 bytes for either algorithm (ECDSA as r and s side by side)."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)

    def pem(self) -> bytes:
        """Return the key as unencrypted PKCS#8 PEM. Keep it in a file that only its owner can read."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def generate_signing_key(algorithm: Algorithm = Algorithm.ED25519) -> SigningKey:
    """Return a new key."""
    if algorithm is Algorithm.ED25519:
        return _signing_key(Ed25519PrivateKey.generate())
    return _signing_key(ec.generate_private_key(ec.SECP256R1()))


def load_signing_key(pem: bytes) -> SigningKey:
    """Return the key in a PKCS#8 PEM. Raises InvalidInput unless it is Ed25519 or P-256 and not encrypted."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("not an unencrypted private key in PKCS#8 PEM") from error
    if isinstance(key, Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    ):
        return _signing_key(key)
    raise InvalidInput("the private key is neither Ed25519 nor on the curve P-256")


def public_key_from_pem(pem: bytes) -> PublicKey:
    """Return the key in a SubjectPublicKeyInfo PEM. Raises InvalidInput unless it is Ed25519, and sound, or P-256."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("not a public key in PEM") from error
    if isinstance(key, Ed25519PublicKey):
        return ed25519_public_key(key.public_bytes_raw())
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return _public_key(key)
    raise InvalidInput("the public key is neither Ed25519 nor on the curve P-256")


def public_key_from_jwk(jwk: Mapping[str, str]) -> PublicKey:
    """Return the public key that a JSON Web Key holds (RFC 7517, RFC 8037).

    Raises InvalidInput for any other kind of key, one that is not written in its one canonical form, and an Ed25519
    key of small order. Members beyond the public ones are passed over.
    """
    try:
        if (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519"):
            return ed25519_public_key(_decode(jwk["x"]))
        if (jwk.get("kty"), jwk.get("crv")) == ("EC", "P-256"):
            numbers = ec.EllipticCurvePublicNumbers(
                int.from_bytes(_decode(jwk["x"])), int.from_bytes(_decode(jwk["y"])), ec.SECP256R1()
            )
            return _public_key(numbers.public_key())
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise InvalidInput("the JSON Web Key is not whole") from error
    raise InvalidInput("a JSON Web Key of kty OKP with crv Ed25519, or kty EC with crv P-256, is expected")


def ed25519_public_key(raw: bytes) -> PublicKey:
    """Return the Ed25519 key with these 32 bytes. Raises InvalidInput when they are no key, or one of small order."""
    if int.from_bytes(raw, "little") % 2**255 in _SMALL_ORDER:
        raise InvalidInput("the Ed25519 key is of small order and proves nothing", remedy="Make a new key.")
    try:
        return _public_key(Ed25519PublicKey.from_public_bytes(raw))
    except ValueError as error:
        raise InvalidInput("an Ed25519 public key is 32 bytes") from error


def ed25519_signing_key(seed: bytes) -> SigningKey:
    """Return the Ed25519 key with this seed (RFC 8032 section 5.1.5). Raises InvalidInput unless it is 32 bytes."""
    try:
        return _signing_key(Ed25519PrivateKey.from_private_bytes(seed))
    except ValueError as error:
        raise InvalidInput("an Ed25519 seed is 32 bytes") from error


def thumbprint(members: Mapping[str, str]) -> KeyThumbprint:
    """Return the RFC 7638 thumbprint of a key's required members: base64url of SHA-256, without padding."""
    return KeyThumbprint(_encode(sha256(canonical_bytes(dict(members))).digest()))


def _signing_key(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> SigningKey:
    return SigningKey(key, _public_key(key.public_key()))


def _public_key(key: Ed25519PublicKey | ec.EllipticCurvePublicKey) -> PublicKey:
    algorithm = Algorithm.ED25519 if isinstance(key, Ed25519PublicKey) else Algorithm.ECDSA_P256_SHA256
    return PublicKey(algorithm, thumbprint(_public_members(key)), key)


def _public_members(key: Ed25519PublicKey | ec.EllipticCurvePublicKey) -> dict[str, str]:
    if isinstance(key, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _encode(key.public_bytes_raw())}
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _encode(numbers.x.to_bytes(_P256_BYTES)),
        "y": _encode(numbers.y.to_bytes(_P256_BYTES)),
    }


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    # 32 bytes for either kind of key: RFC 7518 section 6.2.1.2 keeps a coordinate's leading zeros.
    if not _COORDINATE.match(text):
        raise InvalidInput("a coordinate of the JSON Web Key is not 32 bytes in base64url without padding")
    decoded = base64.urlsafe_b64decode(text + "=")
    if _encode(decoded) != text:
        raise InvalidInput("a coordinate of the JSON Web Key is not in its one canonical form")
    return decoded
