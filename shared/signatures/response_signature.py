"""Signing and verifying responses, each bound to the request it answers (RFC 9421 section 2.4)."""

from base64 import b64encode
from datetime import datetime

from shared.signatures.errors import ComponentUncovered, SignatureMissing, SignatureStale, SignatureTagWrong
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts, ResponseParts, Tag, signature_base
from shared.signatures.request_signature import OLDEST_S, SKEW_S
from shared.signatures.structured_fields import LABEL, SignatureInput, parse_signature, parse_signature_input

COMPONENTS = (
    '"@status"',
    '"content-type"',
    '"content-digest"',
    '"@method";req',
    '"@authority";req',
    '"@path";req',
    '"@query";req',
    f'"signature";req;key="{LABEL}"',
)
"""What a response's signature covers: itself, and the request with its signature."""


def sign_response(response: ResponseParts, *, request: RequestParts, key: SigningKey, created: int) -> dict[str, str]:
    """Return the Signature-Input and Signature headers for a response to a signed request.

    ``response.headers`` must already hold content-type and content-digest.
    """
    text = f'({" ".join(COMPONENTS)});created={created};keyid="{key.public.thumbprint}";tag="{Tag.RESPONSE}"'
    signature = key.sign(_base(response, request, COMPONENTS, text))
    return {
        "signature-input": f"{LABEL}={text}",
        "signature": f"{LABEL}=:{b64encode(signature).decode('ascii')}:",
    }


def verify_response(response: ResponseParts, *, request: RequestParts, key: PublicKey, now: datetime) -> None:
    """Return when the response is signed by ``key`` and answers this very request; raise what is wrong if not.

    The digest is checked apart, by ``verify_content_digest``.
    """
    signature_input, signature = response.headers.get("signature-input"), response.headers.get("signature")
    if signature_input is None or signature is None:
        raise SignatureMissing("the response is not signed")
    parsed = parse_signature_input(signature_input)
    if parsed.parameters.get("tag") != Tag.RESPONSE:
        raise SignatureTagWrong(f"the response's signature is not tagged {Tag.RESPONSE}")
    missing = [component for component in COMPONENTS if component not in parsed.components]
    if missing:
        raise ComponentUncovered(f"the response's signature does not cover {missing[0]}")
    key.verify(parse_signature(signature), _base(response, request, parsed.components, parsed.text))
    _check_age(parsed, now=now)


def _base(response: ResponseParts, request: RequestParts, components: tuple[str, ...], text: str) -> bytes:
    return signature_base([(component, _value(response, request, component)) for component in components], text)


def _value(response: ResponseParts, request: RequestParts, component: str) -> str | None:
    if component == COMPONENTS[-1]:
        # A dictionary member is re-serialised: strict parsing has already made it canonical.
        return request.headers.get("signature", "").removeprefix(f"{LABEL}=") or None
    if component == '"@status"':
        return str(response.status)
    name, _, parameter = component.partition(";")
    if parameter == "req":
        return request.component(name[1:-1])
    return response.headers.get(name[1:-1]) if not parameter else None


def _check_age(parsed: SignatureInput, *, now: datetime) -> None:
    created = parsed.parameters.get("created")
    if not isinstance(created, int) or not -OLDEST_S <= created - now.timestamp() <= SKEW_S:
        raise SignatureStale("the response's signature is not fresh")
