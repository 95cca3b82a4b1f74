"""Signing and verifying responses, each bound to the request it answers (RFC 9421 section 2.4)."""

from base64 import b64encode
from datetime import datetime

from shared.identifiers import KeyThumbprint
from shared.signatures.errors import ComponentUncovered, SignatureMissing
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts, ResponseParts, Tag, signature_base
from shared.signatures.signature_parameters import read_parameters
from shared.signatures.structured_fields import LABEL, SignatureInput, parse_signature, parse_signature_input

SIGNED_REQUEST = f'"signature";req;key="{LABEL}"'
"""The component that binds a response to the very request that it answers, by that one's signature."""

COMPONENTS = (
    '"@status"',
    '"content-type"',
    '"content-digest"',
    '"@method";req',
    '"@authority";req',
    '"@path";req',
    '"@query";req',
    SIGNED_REQUEST,
)
"""What a response's signature covers: itself, and the request with its signature."""


def sign_response(response: ResponseParts, *, request: RequestParts, key: SigningKey, created: int) -> dict[str, str]:
    """Return the Signature-Input and Signature headers for a response to a signed request.

    ``response.headers`` must already hold content-type and content-digest; ``created`` is in seconds since 1970.
    Raises SignatureMalformed when the request's own Signature is not one that this profile can cover.
    """
    text = f'({" ".join(COMPONENTS)});created={created};keyid="{key.public.thumbprint}";tag="{Tag.RESPONSE}"'
    signature = key.sign(_base(response, request, COMPONENTS, text))
    return {
        "signature-input": f"{LABEL}={text}",
        "signature": f"{LABEL}=:{b64encode(signature).decode('ascii')}:",
    }


def response_key_id(response: ResponseParts) -> KeyThumbprint:
    """Return the key that a response claims to be signed with, to look it up before it is verified.

    Raises SignatureMissing or SignatureMalformed.
    """
    return read_parameters(parse_signature_input(_signature_headers(response)[0]).parameters).key_id


def verify_response(response: ResponseParts, *, request: RequestParts, key: PublicKey, now: datetime) -> None:
    """Return when the response is signed by ``key`` and answers this very request; raise what is wrong if not.

    The signature must cover COMPONENTS, name ``key`` and no other algorithm than the key's own, be tagged as a
    response, and be fresh. The digest is checked apart, by ``verify_content_digest``.
    """
    signature_input, signature = _signature_headers(response)
    parsed = parse_signature_input(signature_input)
    parameters = read_parameters(parsed.parameters)
    parameters.check(key=key, tag=Tag.RESPONSE)
    for component in COMPONENTS:
        if component not in parsed.components:
            raise ComponentUncovered(
                f"the response's signature does not cover {component}", remedy=f"Cover {' '.join(COMPONENTS)}."
            )
    key.verify(parse_signature(signature), response_base(response, request, parsed))
    parameters.check_age(now=now)


def response_base(response: ResponseParts, request: RequestParts, signature_input: SignatureInput) -> bytes:
    """Return the bytes that a response's signature with this input is over. Raises what ``signature_base`` raises."""
    return _base(response, request, signature_input.components, signature_input.text)


def _signature_headers(response: ResponseParts) -> tuple[str, str]:
    signature_input, signature = response.headers.get("signature-input"), response.headers.get("signature")
    if signature_input is None or signature is None:
        raise SignatureMissing("the response is not signed", remedy="Send Signature-Input and Signature headers.")
    return signature_input, signature


def _base(response: ResponseParts, request: RequestParts, components: tuple[str, ...], text: str) -> bytes:
    return signature_base([(component, _value(response, request, component)) for component in components], text)


def _value(response: ResponseParts, request: RequestParts, component: str) -> str | None:
    if component == SIGNED_REQUEST:
        signature = request.headers.get("signature")
        if signature is None:
            return None
        # A dictionary's member is written anew (RFC 9421 section 2.1.2); strict parsing accepts only what is
        # written that way already.
        parse_signature(signature)
        return signature.removeprefix(f"{LABEL}=")
    if component == '"@status"':
        return str(response.status)
    name, _, parameter = component.partition(";")
    if parameter == "req":
        return request.component(name[1:-1])
    return response.headers.get(name[1:-1]) if not parameter else None
