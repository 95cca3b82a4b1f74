"""Signing and verifying requests in the exchange's one profile of RFC 9421."""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from shared.errors import InvalidInput
from shared.identifiers import KeyThumbprint
from shared.signatures.errors import ComponentUncovered, SignatureMalformed, SignatureMissing
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts, Tag, signature_base
from shared.signatures.signature_parameters import LONGEST_NONCE, SHORTEST_NONCE, SignatureParameters, read_parameters
from shared.signatures.structured_fields import LABEL, SignatureInput, parse_signature, parse_signature_input

_NONCE = re.compile(rf"[\x21\x23-\x5b\x5d-\x7e]{{{SHORTEST_NONCE},{LONGEST_NONCE}}}\Z")

READ_COMPONENTS = ('"@method"', '"@authority"', '"@path"', '"@query"')
"""What a signature of a request without a body must cover."""

WRITE_COMPONENTS = (*READ_COMPONENTS, '"content-type"', '"content-digest"', '"idempotency-key"')
"""What a signature of a request with a body must cover."""


@dataclass(frozen=True, slots=True)
class UnverifiedSignature:
    """A signature as it claims to be, before it is checked: ``key_id`` says which key to look up."""

    key_id: KeyThumbprint
    nonce: str
    created: int
    input: SignatureInput
    parameters: SignatureParameters
    signature: bytes


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A request whose signature holds. ``base`` is what was signed: kept, it lets anybody verify again."""

    key_id: KeyThumbprint
    nonce: str
    base: bytes
    signature: bytes


def read_signature(request: RequestParts) -> UnverifiedSignature:
    """Return the signature that a request carries.

    Raises SignatureMissing when it carries none, SignatureMalformed when it cannot be read.
    """
    signature_input = request.headers.get("signature-input")
    signature = request.headers.get("signature")
    if signature_input is None or signature is None:
        raise SignatureMissing(
            "the request is not signed",
            remedy="Send Signature-Input and Signature headers (RFC 9421); see docs/api.md.",
        )
    parsed = parse_signature_input(signature_input)
    parameters = read_parameters(parsed.parameters)
    nonce = parameters.nonce
    if nonce is None or not SHORTEST_NONCE <= len(nonce) <= LONGEST_NONCE:
        raise SignatureMalformed(
            f"the signature's nonce is missing or not {SHORTEST_NONCE} to {LONGEST_NONCE} characters long",
            remedy="Use 16 random bytes in base64url.",
        )
    return UnverifiedSignature(
        parameters.key_id, nonce, parameters.created, parsed, parameters, parse_signature(signature)
    )


def verify_request(
    request: RequestParts, claimed: UnverifiedSignature, *, key: PublicKey, tag: Tag, now: datetime, has_body: bool
) -> VerifiedRequest:
    """Return the verified request, or raise what is wrong with it.

    The signature must cover everything that the profile requires, be made for ``tag``, be at most 300 s old and at
    most 30 s ahead, not have expired, and verify under ``key``, whose algorithm is the registered one. The digest is
    checked apart, by ``verify_content_digest``; the nonce by the ledger.
    """
    claimed.parameters.check(key=key, tag=tag)
    _check_components(claimed.input, required=WRITE_COMPONENTS if has_body else READ_COMPONENTS)
    base = request_base(request, claimed.input)
    key.verify(claimed.signature, base)
    claimed.parameters.check_age(now=now)
    return VerifiedRequest(claimed.key_id, claimed.nonce, base, claimed.signature)


def sign_request(
    request: RequestParts, *, key: SigningKey, tag: Tag, created: int, nonce: str, has_body: bool
) -> dict[str, str]:
    """Return the Signature-Input and Signature headers for a request.

    ``request.headers`` must already hold content-type, content-digest and idempotency-key when there is a body.
    ``created`` is in seconds since 1970. Raises InvalidInput for a nonce that cannot stand in a signature.
    """
    if not _NONCE.match(nonce):
        raise InvalidInput("a nonce is 16 to 128 visible ASCII characters, without quotes and backslashes")
    components = WRITE_COMPONENTS if has_body else READ_COMPONENTS
    parameters = f';created={created};nonce="{nonce}";keyid="{key.public.thumbprint}";tag="{tag}"'
    signature_input = parse_signature_input(f"{LABEL}=({' '.join(components)}){parameters}")
    signature = key.sign(request_base(request, signature_input))
    return {
        "signature-input": f"{LABEL}={signature_input.text}",
        "signature": f"{LABEL}=:{b64encode(signature).decode('ascii')}:",
    }


def request_base(request: RequestParts, signature_input: SignatureInput) -> bytes:
    """Return the bytes that a request's signature with this input is over. Raises what ``signature_base`` raises."""
    lines = [(component, request.component(component[1:-1])) for component in signature_input.components]
    return signature_base(lines, signature_input.text)


def _check_components(signature_input: SignatureInput, *, required: tuple[str, ...]) -> None:
    for component in required:
        if component not in signature_input.components:
            raise ComponentUncovered(f"the signature does not cover {component}", remedy=f"Cover {' '.join(required)}.")
    for component in signature_input.components:
        if ";" in component:
            raise SignatureMalformed(
                "a covered component has parameters, which this profile does not use", remedy="Cover plain components."
            )
