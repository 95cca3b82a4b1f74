"""Our strict code is held equal to the library, both ways, and hostile headers give only our own errors."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    algorithms,
)
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ExchangeError
from shared.signatures.content_digest import content_digest
from shared.signatures.errors import ComponentUncovered, SignatureInvalid, SignatureStale
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import WRITE_COMPONENTS, read_signature, sign_request, verify_request
from shared.signatures.response_signature import sign_response, verify_response

KEYS = [generate_signing_key(), generate_signing_key(Algorithm.ECDSA_P256_SHA256)]
NOW = datetime.now(UTC)
path = st.lists(st.sampled_from([*"abcXYZ019-._~", "%2F", "%20"]), max_size=12).map(lambda tail: "/v1/" + "".join(tail))
query = st.lists(st.sampled_from([*"abc=&+", "%20", "%C3%A9"]), max_size=10).map("".join)
token = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzABC0123456789-_"), min_size=16, max_size=64)


class _Resolver(HTTPSignatureKeyResolver):
    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> object:
        return self._key.public.key

    def resolve_private_key(self, key_id: str) -> object:
        return self._key.key


def library(key: SigningKey) -> type[HTTPSignatureAlgorithm]:
    return algorithms.ED25519 if key.public.algorithm is Algorithm.ED25519 else algorithms.ECDSA_P256_SHA256


def prepared(target: str, body: bytes, idempotency_key: str) -> tuple[requests.PreparedRequest, RequestParts]:
    headers = {
        "content-type": "application/json",
        "content-digest": content_digest(body),
        "idempotency-key": idempotency_key,
    }
    request = requests.Request("POST", "http://exchange.example", data=body, headers=headers).prepare()
    request.url = "http://exchange.example" + target
    return request, RequestParts("POST", "exchange.example", target.encode(), headers)


@given(st.sampled_from(KEYS), path, query, st.binary(max_size=40), token, token)
def test_what_we_sign_the_library_verifies_and_so_do_we(
    key: SigningKey, where: str, asked: str, body: bytes, idempotency_key: str, nonce: str
) -> None:
    request, parts = prepared(where + (f"?{asked}" if asked else ""), body, idempotency_key)
    signed = sign_request(parts, key=key, tag=Tag.REQUEST, created=int(NOW.timestamp()), nonce=nonce, has_body=True)
    whole = RequestParts(parts.method, parts.authority, parts.raw_target, {**parts.headers, **signed})
    verified = verify_request(whole, read_signature(whole), key=key.public, tag=Tag.REQUEST, now=NOW, has_body=True)
    request.headers.update(signed)
    (result,) = HTTPMessageVerifier(signature_algorithm=library(key), key_resolver=_Resolver(key)).verify(
        request, expect_tag=str(Tag.REQUEST)
    )
    base = "\n".join(f"{name}: {value}" for name, value in result.covered_components.items())
    assert verified.base.decode() == base


@given(st.sampled_from(KEYS), path, st.binary(max_size=40), token, token)
def test_what_the_library_signs_we_verify(
    key: SigningKey, where: str, body: bytes, idempotency_key: str, nonce: str
) -> None:
    request, parts = prepared(where, body, idempotency_key)
    signer = HTTPMessageSigner(signature_algorithm=library(key), key_resolver=_Resolver(key))
    signer.sign(
        request,
        key_id=key.public.thumbprint,
        nonce=nonce,
        tag=str(Tag.REQUEST),
        created=NOW,
        label="sig1",
        include_alg=True,
        use_existing_digest=True,
        covered_component_ids=[component.strip('"') for component in WRITE_COMPONENTS],
    )
    headers = {name.lower(): value for name, value in request.headers.items()}
    whole = RequestParts(parts.method, parts.authority, parts.raw_target, headers)
    verify_request(whole, read_signature(whole), key=key.public, tag=Tag.REQUEST, now=NOW, has_body=True)


@given(st.text(max_size=200), st.text(max_size=100))
def test_hostile_signature_headers_give_only_our_own_errors(signature_input: str, signature: str) -> None:
    headers = {"signature-input": "sig1=(" + signature_input, "signature": signature}
    request = RequestParts("POST", "exchange.example", b"/v1/shares", headers)
    with pytest.raises(ExchangeError):
        read_signature(request)


def signed_request(key: SigningKey, **changes: str) -> RequestParts:
    _, parts = prepared("/v1/shares", b"{}", "key")
    signed = sign_request(parts, key=key, tag=Tag.REQUEST, created=int(NOW.timestamp()), nonce="n" * 22, has_body=True)
    return RequestParts(parts.method, parts.authority, parts.raw_target, {**parts.headers, **signed, **changes})


ANSWER = {"content-type": "application/json", "content-digest": content_digest(b"{}")}


def test_a_response_is_bound_to_the_request_it_answers() -> None:
    key = KEYS[0]
    request = signed_request(key)
    headers = {
        **ANSWER,
        **sign_response(ResponseParts(201, ANSWER), request=request, key=key, created=int(NOW.timestamp())),
    }
    verify_response(ResponseParts(201, headers), request=request, key=key.public, now=NOW)
    other = RequestParts("POST", "exchange.example", b"/v1/withholdings", request.headers)
    for response, asked in ((ResponseParts(200, headers), request), (ResponseParts(201, headers), other)):
        with pytest.raises(SignatureInvalid):
            verify_response(response, request=asked, key=key.public, now=NOW)
    with pytest.raises(SignatureStale):
        verify_response(ResponseParts(201, headers), request=request, key=key.public, now=NOW + timedelta(hours=1))


HOSTILE = {
    "a second signature": 'sig1=("@method");created=1;keyid="k";nonce="nnnnnnnnnnnnnnnn", sig2=("@method")',
    "another label": 'sig2=("@method");created=1;keyid="k";nonce="nnnnnnnnnnnnnnnn"',
    "a component twice": 'sig1=("@method" "@method");created=1;keyid="k";nonce="nnnnnnnnnnnnnnnn"',
    "a parameter twice": 'sig1=("@method");created=1;created=2;keyid="k";nonce="nnnnnnnnnnnnnnnn"',
    "upper case": 'sig1=("Content-Type");created=1;keyid="k";nonce="nnnnnnnnnnnnnnnn"',
    "an unknown parameter": 'sig1=("@method");created=1;keyid="k";nonce="nnnnnnnnnnnnnnnn";b64=0',
    "no nonce": 'sig1=("@method");created=1;keyid="k"',
    "a short nonce": 'sig1=("@method");created=1;keyid="k";nonce="n"',
    "created as text": 'sig1=("@method");created="1";keyid="k";nonce="nnnnnnnnnnnnnnnn"',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_each_trick_with_the_signatures_input_is_refused(case: str) -> None:
    headers = {"signature-input": HOSTILE[case], "signature": "sig1=:AAAA:"}
    with pytest.raises(ExchangeError):
        read_signature(RequestParts("POST", "exchange.example", b"/", headers))


def test_components_with_parameters_are_refused() -> None:
    request = signed_request(KEYS[0])
    changed = request.headers["signature-input"].replace('"@path"', '"@path";bs')
    headers = {**request.headers, "signature-input": changed}
    tricked = RequestParts(request.method, request.authority, request.raw_target, headers)
    claimed = read_signature(tricked)
    with pytest.raises(ComponentUncovered):
        verify_request(tricked, claimed, key=KEYS[0].public, tag=Tag.REQUEST, now=NOW, has_body=True)
