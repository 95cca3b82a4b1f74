"""Standard Webhooks signatures (version ``v1a``, Ed25519), so that receivers can use the libraries they have."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import InvalidInput
from shared.signatures.errors import SignatureInvalid, SignatureMalformed, SignatureMissing, SignatureStale
from shared.signatures.keys import PublicKey, SigningKey, ed25519_public_key, ed25519_signing_key

TOLERANCE_S = 300
PUBLIC_KEY_PREFIX = "whpk_"
SECRET_KEY_PREFIX = "whsk_"  # noqa: S105  It announces a secret and is none.

_KEY_BYTES = 32
_MOST_SIGNATURES = 8
_TIMESTAMP = re.compile(r"[0-9]{1,15}\Z")
# What is signed is "<id>.<timestamp>.<body>". A dot in the id would let the same signature be read as another id
# with another body.
_MESSAGE_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}\Z")


def webhook_public_key(key: PublicKey) -> str:
    """Return a key as Standard Webhooks libraries take it: ``whpk_`` and base64. Raises InvalidInput for ECDSA."""
    return PUBLIC_KEY_PREFIX + b64encode(_ed25519(key).public_bytes_raw()).decode("ascii")


def webhook_secret_key(key: SigningKey) -> str:
    """Return a private key as Standard Webhooks libraries take it: ``whsk_`` and base64 of the seed and public key.

    Raises InvalidInput for ECDSA. It is a secret: keep it as the PEM is kept.
    """
    if not isinstance(key.key, Ed25519PrivateKey):
        raise InvalidInput("Standard Webhooks v1a signs with Ed25519 only")
    both = key.key.private_bytes_raw() + key.key.public_key().public_bytes_raw()
    return SECRET_KEY_PREFIX + b64encode(both).decode("ascii")


def load_webhook_public_key(text: str) -> PublicKey:
    """Return the key in a ``whpk_`` text. Raises InvalidInput."""
    raw = _decoded(text, prefix=PUBLIC_KEY_PREFIX)
    if len(raw) != _KEY_BYTES:
        raise InvalidInput("a whpk_ key holds 32 bytes")
    return ed25519_public_key(raw)


def load_webhook_secret_key(text: str) -> SigningKey:
    """Return the key in a ``whsk_`` text: a seed of 32 bytes, alone or with its public key. Raises InvalidInput."""
    raw = _decoded(text, prefix=SECRET_KEY_PREFIX)
    if len(raw) not in (_KEY_BYTES, 2 * _KEY_BYTES):
        raise InvalidInput("a whsk_ key holds 32 or 64 bytes")
    key = ed25519_signing_key(raw[:_KEY_BYTES])
    if raw[_KEY_BYTES:] not in (b"", _ed25519(key.public).public_bytes_raw()):
        raise InvalidInput("the two halves of the whsk_ key do not belong together")
    return key


def sign_webhook(body: bytes, *, message_id: str, timestamp_s: int, key: SigningKey) -> dict[str, str]:
    """Return the webhook-id, webhook-timestamp and webhook-signature headers for a body.

    ``timestamp_s`` is in seconds since 1970. Raises InvalidInput for ECDSA, and for an id or a time that cannot be
    told apart from what follows it.
    """
    if not isinstance(key.key, Ed25519PrivateKey):
        raise InvalidInput("Standard Webhooks v1a signs with Ed25519 only")
    timestamp = str(timestamp_s)
    if not _MESSAGE_ID.match(message_id) or not _TIMESTAMP.match(timestamp):
        raise InvalidInput("a webhook-id is visible ASCII without a dot, a webhook-timestamp seconds since 1970")
    signature = key.sign(_signed(body, message_id, timestamp))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1a,{b64encode(signature).decode('ascii')}",
    }


def verify_webhook(headers: Mapping[str, str], body: bytes, *, key: PublicKey, now: datetime) -> None:
    """Return when one of the signatures is by ``key`` and at most 300 s old or ahead; raise what is wrong if not.

    ``headers`` have lower-case names. Raises SignatureMissing, SignatureMalformed, SignatureStale, SignatureInvalid,
    or InvalidInput when ``key`` is not Ed25519.
    """
    _ed25519(key)
    message_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if message_id is None or timestamp is None or signatures is None:
        raise SignatureMissing("the Standard Webhooks headers are not all there")
    if not _MESSAGE_ID.match(message_id):
        raise SignatureMalformed("the webhook-id is not visible ASCII without a dot")
    if not _TIMESTAMP.match(timestamp):
        raise SignatureMalformed("the webhook-timestamp is not a number of seconds")
    if abs(int(timestamp) - now.timestamp()) > TOLERANCE_S:
        raise SignatureStale("the webhook-timestamp is not fresh")
    signed = _signed(body, message_id, timestamp)
    for each in signatures.split(" ", _MOST_SIGNATURES)[:_MOST_SIGNATURES]:
        version, _, encoded = each.partition(",")
        if version != "v1a":
            continue
        try:
            key.verify(b64decode(encoded, validate=True), signed)
        except (SignatureInvalid, Base64Error, ValueError):
            continue
        return
    raise SignatureInvalid("no webhook signature is by the expected key")


def _ed25519(key: PublicKey) -> Ed25519PublicKey:
    if not isinstance(key.key, Ed25519PublicKey):
        raise InvalidInput("Standard Webhooks v1a signs with Ed25519 only")
    return key.key


def _decoded(text: str, *, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise InvalidInput(f"a Standard Webhooks key that starts with {prefix} is expected")
    try:
        return b64decode(text.removeprefix(prefix), validate=True)
    except (Base64Error, ValueError) as error:
        raise InvalidInput(f"what follows {prefix} is not base64") from error


def _signed(body: bytes, message_id: str, timestamp: str) -> bytes:
    return f"{message_id}.{timestamp}.".encode("ascii") + body
