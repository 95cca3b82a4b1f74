"""Signing and verifying requests in the exchange's one profile of RFC 9421."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime

from shared.errors import InvalidInput
from shared.identifiers import KeyThumbprint
from shared.signatures.errors import (
    ComponentUncovered,
    SignatureAlgorithmWrong,
    SignatureMalformed,
    SignatureMissing,
    SignatureStale,
    SignatureTagWrong,
)
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts, Tag, signature_base
from shared.signatures.structured_fields import LABEL, SignatureInput, parse_signature, parse_signature_input

OLDEST_S = 300
SKEW_S = 30
SHORTEST_NONCE = 16
LONGEST_NONCE = 128

READ_COMPONENTS = ('"@method"', '"@authority"', '"@path"', '"@query"')
"""What a signature of a request without a body must cover."""

WRITE_COMPONENTS = (*READ_COMPONENTS, '"content-type"', '"content-digest"', '"idempotency-key"')
"""What a signature of a request with a body must cover."""

_KNOWN_PARAMETERS = {"created", "expires", "nonce", "keyid", "tag", "alg"}


@dataclass(frozen=True, slots=True)
class UnverifiedSignature:
    """A signature as it claims to be, before it is checked: ``key_id`` says which key to look up."""

    key_id: KeyThumbprint
    nonce: str
    created: int
    input: SignatureInput
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
    parameters = parsed.parameters
    created, nonce, key_id = parameters.get("created"), parameters.get("nonce"), parameters.get("keyid")
    if not isinstance(created, int) or not isinstance(nonce, str) or not isinstance(key_id, str):
        raise SignatureMalformed(
            "the signature lacks created, nonce or keyid", remedy="Give all of created, nonce, keyid and tag."
        )
    if not SHORTEST_NONCE <= len(nonce) <= LONGEST_NONCE:
        raise SignatureMalformed(
            "the signature's nonce is not 16 to 128 characters long", remedy="Use 16 random bytes in base64url."
        )
    if not set(parameters) <= _KNOWN_PARAMETERS:
        raise SignatureMalformed(
            "the signature has a parameter that is not known here",
            remedy="Use created, expires, nonce, keyid, alg, tag.",
        )
    return UnverifiedSignature(KeyThumbprint(key_id), nonce, created, parsed, parse_signature(signature))


def verify_request(
    request: RequestParts, claimed: UnverifiedSignature, *, key: PublicKey, tag: Tag, now: datetime, has_body: bool
) -> VerifiedRequest:
    """Return the verified request, or raise what is wrong with it.

    The signature must cover everything that the profile requires, be made for ``tag``, be at most 300 s old and at
    most 30 s ahead, not have expired, and verify under ``key``, whose algorithm is the registered one. The digest is
    checked apart, by ``verify_content_digest``; the nonce by the ledger.
    """
    _check_parameters(claimed.input, key=key, tag=tag)
    _check_components(claimed.input, required=WRITE_COMPONENTS if has_body else READ_COMPONENTS)
    base = _base(request, claimed.input)
    key.verify(claimed.signature, base)
    _check_age(claimed, now=now)
    return VerifiedRequest(claimed.key_id, claimed.nonce, base, claimed.signature)


def sign_request(
    request: RequestParts, *, key: SigningKey, tag: Tag, created: int, nonce: str, has_body: bool
) -> dict[str, str]:
    """Return the Signature-Input and Signature headers for a request.

    ``request.headers`` must already hold content-type, content-digest and idempotency-key when there is a body.
    """
    if not SHORTEST_NONCE <= len(nonce) <= LONGEST_NONCE or not nonce.isascii() or not nonce.isprintable():
        raise InvalidInput("a nonce is 16 to 128 printable ASCII characters")
    components = WRITE_COMPONENTS if has_body else READ_COMPONENTS
    parameters = f';created={created};nonce="{nonce}";keyid="{key.public.thumbprint}";tag="{tag}"'
    signature_input = parse_signature_input(f"{LABEL}=({' '.join(components)}){parameters}")
    signature = key.sign(_base(request, signature_input))
    return {
        "signature-input": f"{LABEL}={signature_input.text}",
        "signature": f"{LABEL}=:{b64encode(signature).decode('ascii')}:",
    }


def _base(request: RequestParts, signature_input: SignatureInput) -> bytes:
    lines = [(component, request.component(component[1:-1])) for component in signature_input.components]
    return signature_base(lines, signature_input.text)


def _check_parameters(signature_input: SignatureInput, *, key: PublicKey, tag: Tag) -> None:
    if signature_input.parameters.get("tag") != tag:
        raise SignatureTagWrong(f"the signature is not tagged {tag}", remedy=f'Sign with ;tag="{tag}".')
    algorithm = signature_input.parameters.get("alg")
    if algorithm is not None and algorithm != key.algorithm:
        raise SignatureAlgorithmWrong(
            "the signature names another algorithm than its key is registered for",
            remedy=f"Use {key.algorithm}, or leave alg out.",
        )


def _check_components(signature_input: SignatureInput, *, required: tuple[str, ...]) -> None:
    for component in required:
        if component not in signature_input.components:
            raise ComponentUncovered(f"the signature does not cover {component}", remedy=f"Cover {' '.join(required)}.")
    for component in signature_input.components:
        if not component.endswith('"'):
            raise SignatureMalformed(
                "a covered component has parameters, which this profile does not use", remedy="Cover plain components."
            )


def _check_age(claimed: UnverifiedSignature, *, now: datetime) -> None:
    present = now.timestamp()
    expires = claimed.input.parameters.get("expires")
    if claimed.created < present - OLDEST_S or (isinstance(expires, int) and expires < present):
        raise SignatureStale(
            "the signature is older than 5 minutes or has expired",
            remedy="Sign each attempt anew, and keep your clock right (NTP).",
        )
    if claimed.created > present + SKEW_S:
        raise SignatureStale("the signature is from the future", remedy="Keep your clock right (NTP).")
    if expires is not None and not isinstance(expires, int):
        raise SignatureMalformed("expires is a number of seconds", remedy="Give it as an integer.")
