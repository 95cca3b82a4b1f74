"""Our strict code is held equal to ``http-message-signatures``: requests and answers, both ways, the same base."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ExchangeError
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import WRITE_COMPONENTS, read_signature, sign_request, verify_request
from shared.signatures.response_signature import COMPONENTS, sign_response, verify_response
from shared.signatures.standard_webhooks import verify_webhook
from tests.machinery.vectors import vectors

KEYS = [generate_signing_key(algorithm) for algorithm in Algorithm]
VECTORS = vectors("rfc9421_vectors.json")
LIBRARY = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
    "hmac-sha256": algorithms.HMAC_SHA256,
}

NOW = datetime.now(UTC)
NOW_S = int(NOW.timestamp())
TARGET_CHARACTERS = "abcXYZ019-._~!$&'()*+,;=:@/"
segments = st.lists(
    st.one_of(st.sampled_from(TARGET_CHARACTERS), st.integers(0, 255).map(lambda octet: f"%{octet:02X}")), max_size=20
).map("".join)
targets = st.builds(
    lambda path, query: f"/v1/{path}" + (f"?{query}" if query is not None else ""), segments, st.none() | segments
)
nonces = st.text(st.sampled_from("abcXYZ019-_.~ !#[]{}"), min_size=16, max_size=128).filter(
    lambda text: " " not in text
)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).filter(
    lambda text: text == text.strip()
)
bodies = st.binary(max_size=64)


@dataclass
class Asked:
    """A request as the library takes it."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass
class Told:
    """An answer as the library takes it."""

    status_code: int
    headers: dict[str, str]
    request: Asked


class Resolver(HTTPSignatureKeyResolver):
    """Gives the library one key, whatever is asked for."""

    def __init__(self, public: object, private: object) -> None:
        self._public, self._private = public, private

    def resolve_public_key(self, key_id: str) -> object:
        return self._public

    def resolve_private_key(self, key_id: str) -> object:
        return self._private


def verifier(key: SigningKey) -> Any:  # noqa: ANN401
    return HTTPMessageVerifier(
        signature_algorithm=LIBRARY[key.public.algorithm], key_resolver=Resolver(key.public.key, key.key)
    )


def signer(key: SigningKey) -> Any:  # noqa: ANN401
    return HTTPMessageSigner(
        signature_algorithm=LIBRARY[key.public.algorithm], key_resolver=Resolver(key.public.key, key.key)
    )


def base_of(covered: Mapping[str, str]) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in covered.items()).encode()


def write(target: str, body: bytes, content_type: str, idempotency_key: str) -> RequestParts:
    headers = {"content-type": content_type, "content-digest": content_digest(body), "idempotency-key": idempotency_key}
    return RequestParts("POST", "exchange.example", target.encode("ascii"), headers)


def asked(request: RequestParts) -> Asked:
    url = f"https://{request.authority}{request.raw_target.decode('ascii')}"
    return Asked(request.method, url, dict(request.headers))


def signed(key: SigningKey, request: RequestParts, nonce: str) -> RequestParts:
    headers = sign_request(request, key=key, tag=Tag.REQUEST, created=NOW_S, nonce=nonce, has_body=True)
    return RequestParts(request.method, request.authority, request.raw_target, {**request.headers, **headers})


@given(st.sampled_from(KEYS), targets, bodies, values, values, nonces)
def test_a_request_that_we_sign_the_library_verifies_over_the_same_base(
    key: SigningKey, target: str, body: bytes, content_type: str, idempotency_key: str, nonce: str
) -> None:
    request = signed(key, write(target, body, content_type, idempotency_key), nonce)
    ours = verify_request(request, read_signature(request), key=key.public, tag=Tag.REQUEST, now=NOW, has_body=True)
    (theirs,) = verifier(key).verify(asked(request), expect_tag=str(Tag.REQUEST))
    assert base_of(theirs.covered_components) == ours.base


@given(st.sampled_from(KEYS), targets, bodies, values, values, nonces, st.booleans())
def test_a_request_that_the_library_signs_we_verify_over_the_same_base(
    key: SigningKey,
    target: str,
    body: bytes,
    content_type: str,
    idempotency_key: str,
    nonce: str,
    names_algorithm: bool,
) -> None:
    request = write(target, body, content_type, idempotency_key)
    message = asked(request)
    signer(key).sign(
        message,
        key_id=key.public.thumbprint,
        created=NOW,
        nonce=nonce,
        label="sig1",
        tag=str(Tag.REQUEST),
        include_alg=names_algorithm,
        covered_component_ids=[each.strip('"') for each in WRITE_COMPONENTS],
        use_existing_digest=True,
    )
    headers = {name.lower(): value for name, value in message.headers.items()}
    request = RequestParts(request.method, request.authority, request.raw_target, headers)
    ours = verify_request(request, read_signature(request), key=key.public, tag=Tag.REQUEST, now=NOW, has_body=True)
    (theirs,) = verifier(key).verify(message, expect_tag=str(Tag.REQUEST))
    assert base_of(theirs.covered_components) == ours.base


@given(st.sampled_from(KEYS), st.sampled_from(KEYS), targets, bodies, st.integers(200, 599))
def test_an_answer_that_we_sign_the_library_verifies_with_its_request(
    sender: SigningKey, key: SigningKey, target: str, body: bytes, status: int
) -> None:
    request = signed(sender, write(target, body, "application/json", "once"), "n" * 16)
    headers = {"content-type": "application/json", "content-digest": content_digest(body)}
    headers |= sign_response(ResponseParts(status, headers), request=request, key=key, created=NOW_S)
    verify_response(ResponseParts(status, headers), request=request, key=key.public, now=NOW)
    told = Told(status, headers, asked(request))
    (theirs,) = verifier(key).verify(told, expect_tag=str(Tag.RESPONSE), require_components=COMPONENTS)
    assert f"{COMPONENTS[-1]}: {request.headers['signature'].removeprefix('sig1=')}".encode() in base_of(
        theirs.covered_components
    )
    told.request.headers["signature"] = "sig1=:AAAA:"
    with pytest.raises(InvalidSignature):
        verifier(key).verify(told, expect_tag=str(Tag.RESPONSE))


@given(st.sampled_from(KEYS), targets, bodies, st.integers(200, 599))
def test_an_answer_that_the_library_signs_we_verify_with_its_request(
    key: SigningKey, target: str, body: bytes, status: int
) -> None:
    request = signed(KEYS[0], write(target, body, "application/json", "once"), "n" * 16)
    told = Told(status, {"content-type": "a/b", "content-digest": content_digest(body)}, asked(request))
    signer(key).sign(
        told,
        key_id=key.public.thumbprint,
        created=NOW,
        label="sig1",
        tag=str(Tag.RESPONSE),
        covered_component_ids=COMPONENTS,
        use_existing_digest=True,
    )
    headers = {name.lower(): value for name, value in told.headers.items()}
    verify_response(ResponseParts(status, headers), request=request, key=key.public, now=NOW)


@pytest.mark.parametrize(
    "case", [each for each in VECTORS["cases"] if "message" in each], ids=lambda each: str(each["section"])
)
def test_the_library_verifies_the_rfcs_own_signatures(case: dict[str, str]) -> None:
    held, message = VECTORS["keys"][case["keyid"]], VECTORS[case["message"]]
    key = held["public_pem"].encode() if "public_pem" in held else b64decode(held["secret_b64"])
    headers = dict(message["headers"])
    headers |= {"Signature-Input": case["signature_input"], "Signature": case["signature"]}
    start = message["start_line"].split(" ")
    request = Asked(start[0], f"https://example.com{start[1]}", headers)
    subject = Told(200, headers, request) if case["message"] == "test-response" else request
    library = HTTPMessageVerifier(signature_algorithm=LIBRARY[case["algorithm"]], key_resolver=Resolver(key, None))
    (result,) = library.verify(subject, max_age=None)
    assert base_of(result.covered_components).decode() == case["signature_base"]


hostile = st.one_of(
    st.text(max_size=120),
    st.text(st.sampled_from('sig1=():;," \\@-0159aznAZ+/?*\t\n'), max_size=120),
    st.sampled_from(["sig1=", 'sig1=("@method")', "sig1=:AAAA:", "sha-256=:"]).flatmap(
        lambda start: st.text(max_size=60).map(lambda rest: start + rest)
    ),
)
NAMES = ["signature-input", "signature", "content-digest", "content-type", "webhook-id", "webhook-timestamp"]


@given(st.dictionaries(st.sampled_from([*NAMES, "webhook-signature"]), hostile), st.binary(max_size=40))
def test_hostile_headers_and_targets_give_only_our_own_errors(headers: dict[str, str], target: bytes) -> None:
    key = KEYS[0].public
    good = signed(KEYS[0], write("/v1/shares", b"", "application/json", "once"), "n" * 16)
    request = RequestParts("POST", "exchange.example", target, {**good.headers, **headers})
    response = ResponseParts(200, request.headers)
    for attempt in (
        lambda: verify_request(request, read_signature(request), key=key, tag=Tag.REQUEST, now=NOW, has_body=True),
        lambda: verify_response(response, request=good, key=key, now=NOW),
        lambda: sign_response(response, request=request, key=KEYS[0], created=NOW_S),
        lambda: verify_content_digest(request.headers["content-digest"], b""),
        lambda: verify_webhook(request.headers, b"", key=key, now=NOW),
    ):
        try:
            attempt()
        except ExchangeError as error:
            assert error.code != "error"
