"""Signed requests and answers for the tests beside it, each good until a test changes one thing."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from shared.signatures.content_digest import content_digest
from shared.signatures.keys import Algorithm, PublicKey, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag, signature_base
from shared.signatures.request_signature import VerifiedRequest, read_signature, sign_request, verify_request
from shared.signatures.response_signature import sign_response
from shared.signatures.structured_fields import parse_signature_input

KEY = generate_signing_key()
OTHER_KEY = generate_signing_key()
ECDSA_KEY = generate_signing_key(Algorithm.ECDSA_P256_SHA256)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
NONCE = "n" * 22
BODY = b'{"format":"safeguarding-exchange/share/v1"}'
COMPONENTS = '"@method" "@authority" "@path" "@query" "content-type" "content-digest" "idempotency-key"'


def unsigned(*, target: bytes = b"/v1/shares?of=all", body: bytes = BODY) -> RequestParts:
    """A request with a body, before it is signed."""
    headers = {
        "content-type": "application/json",
        "content-digest": content_digest(body),
        "idempotency-key": "once-only",
    }
    return RequestParts("POST", "exchange.example", target, headers)


def with_headers(request: RequestParts, headers: Mapping[str, str]) -> RequestParts:
    """The request with more or other headers."""
    return replace(request, headers={**request.headers, **headers})


def signed(*, key: SigningKey = KEY, created: int = NOW_S) -> RequestParts:
    """A request signed by our own code."""
    request = unsigned()
    return with_headers(
        request, sign_request(request, key=key, tag=Tag.REQUEST, created=created, nonce=NONCE, has_body=True)
    )


def signed_as(text: str, *, key: SigningKey = KEY, request: RequestParts | None = None) -> RequestParts:
    """A request whose signature is good over the given Signature-Input, whatever that says."""
    request = request or unsigned()
    parsed = parse_signature_input(f"sig1={text}")
    base = signature_base([(each, request.component(each[1:-1])) for each in parsed.components], parsed.text)
    signature = b64encode(key.sign(base)).decode("ascii")
    return with_headers(request, {"signature-input": f"sig1={text}", "signature": f"sig1=:{signature}:"})


def input_text(
    *,
    components: str = COMPONENTS,
    created: str = f";created={NOW_S}",
    nonce: str = f';nonce="{NONCE}"',
    keyid: str = f';keyid="{KEY.public.thumbprint}"',
    tag: str = f';tag="{Tag.REQUEST}"',
    more: str = "",
) -> str:
    """A Signature-Input's value, without its label, with any part replaced."""
    return f"({components}){created}{nonce}{keyid}{tag}{more}"


def verified(
    request: RequestParts, *, key: PublicKey = KEY.public, now: datetime = NOW, tag: Tag = Tag.REQUEST
) -> VerifiedRequest:
    """What verification makes of a request with a body."""
    return verify_request(request, read_signature(request), key=key, tag=tag, now=now, has_body=True)


def answered(request: RequestParts, *, key: SigningKey = KEY, status: int = 201) -> ResponseParts:
    """A signed answer to a request."""
    headers = {"content-type": "application/json", "content-digest": content_digest(b"{}")}
    signature = sign_response(ResponseParts(status, headers), request=request, key=key, created=NOW_S)
    return ResponseParts(status, {**headers, **signature})
