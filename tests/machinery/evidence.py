"""The evidence that the gateway keeps of a signed request, made by a key of the test's own."""

from shared.signatures.content_digest import content_digest
from shared.signatures.keys import SigningKey
from shared.signatures.message import RequestParts, Tag, signature_base
from shared.signatures.request_signature import sign_request
from shared.signatures.structured_fields import parse_signature_input

IDEMPOTENCY_KEY, NONCE = "0b1d0f6e9d2c4a7f", "n" * 22


def evidence_of(key: SigningKey, *, body: bytes, path: str = "/v1/shares") -> dict[str, str]:
    """Return the evidence of a request with a body, under IDEMPOTENCY_KEY and NONCE."""
    headers = {
        "content-type": "application/json",
        "content-digest": content_digest(body),
        "idempotency-key": IDEMPOTENCY_KEY,
    }
    parts = RequestParts("POST", "exchange.example", path.encode(), headers)
    made = sign_request(parts, key=key, tag=Tag.REQUEST, created=1_795_520_000, nonce=NONCE, has_body=True)
    parsed = parse_signature_input(made["signature-input"])
    base = signature_base([(name, parts.component(name[1:-1])) for name in parsed.components], parsed.text)
    return {
        "base": base.decode(),
        "signature_input": made["signature-input"],
        "signature": made["signature"],
        "content_digest": headers["content-digest"],
    }
