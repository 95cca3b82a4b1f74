"""Standard Webhooks signatures (version ``v1a``, Ed25519), so that receivers can use the libraries they have."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import InvalidInput
from shared.signatures.errors import SignatureInvalid, SignatureMissing, SignatureStale
from shared.signatures.keys import PublicKey, SigningKey

TOLERANCE_S = 300
PUBLIC_KEY_PREFIX = "whpk_"


def webhook_public_key(key: PublicKey) -> str:
    """Return a key as Standard Webhooks libraries take it: ``whpk_`` and base64. Raises InvalidInput for ECDSA."""
    if not isinstance(key.key, Ed25519PublicKey):
        raise InvalidInput("Standard Webhooks v1a signs with Ed25519 only")
    return PUBLIC_KEY_PREFIX + b64encode(key.key.public_bytes_raw()).decode("ascii")


def sign_webhook(body: bytes, *, message_id: str, timestamp_s: int, key: SigningKey) -> dict[str, str]:
    """Return the webhook-id, webhook-timestamp and webhook-signature headers for a body."""
    if not isinstance(key.key, Ed25519PrivateKey):
        raise InvalidInput("Standard Webhooks v1a signs with Ed25519 only")
    signature = key.sign(_signed(body, message_id, str(timestamp_s)))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1a,{b64encode(signature).decode('ascii')}",
    }


def verify_webhook(headers: Mapping[str, str], body: bytes, *, key: PublicKey, now: datetime) -> None:
    """Return when one of the signatures is by ``key`` and fresh; raise what is wrong if not."""
    message_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if message_id is None or timestamp is None or signatures is None:
        raise SignatureMissing("the Standard Webhooks headers are not all there")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise SignatureStale("the webhook-timestamp is not a number of seconds")
    if abs(int(timestamp) - now.timestamp()) > TOLERANCE_S:
        raise SignatureStale("the webhook-timestamp is not fresh")
    for each in signatures.split(" "):
        version, _, encoded = each.partition(",")
        if version != "v1a":
            continue
        try:
            key.verify(b64decode(encoded, validate=True), _signed(body, message_id, timestamp))
        except (SignatureInvalid, Base64Error, ValueError):
            continue
        return
    raise SignatureInvalid("no webhook signature is by the expected key")


def _signed(body: bytes, message_id: str, timestamp: str) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body
