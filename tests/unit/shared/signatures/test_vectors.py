"""Bases and keys are held against RFC 9421's own vectors, and Standard Webhooks against its definition."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.errors import DigestMismatch, SignatureInvalid, SignatureStale
from shared.signatures.keys import Algorithm, generate_signing_key, load_signing_key, public_key_from_jwk
from shared.signatures.message import RequestParts, signature_base
from shared.signatures.standard_webhooks import sign_webhook, verify_webhook, webhook_public_key
from shared.signatures.structured_fields import parse_signature_input
from tests.machinery.vectors import vectors

VECTORS = vectors("rfc9421_vectors.json")
OURS = {"ed25519", "ecdsa-p256-sha256"}
CASES = [case for case in VECTORS["cases"] if case.get("algorithm") in OURS]
REQUEST_CASES = [
    case
    for case in VECTORS["cases"]
    if case.get("message") == "test-request" and ";" not in case["signature_base"].split('"@signature-params"')[0]
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["section"])
def test_the_rfcs_signatures_verify_with_our_keys(case: dict[str, str]) -> None:
    key = public_key_from_jwk(VECTORS["keys"][case["keyid"]]["jwk"])
    assert key.algorithm == case["algorithm"]
    key.verify(b64decode(case["signature_b64"]), case["signature_base"].encode())
    with pytest.raises(SignatureInvalid):
        key.verify(b64decode(case["signature_b64"]), case["signature_base"].encode() + b" ")


def test_there_are_vectors_of_both_algorithms() -> None:
    assert {case["algorithm"] for case in CASES} == OURS
    assert len(REQUEST_CASES) >= 3


@pytest.mark.parametrize("case", REQUEST_CASES, ids=lambda case: case["section"])
def test_the_rfcs_signature_bases_are_built_byte_for_byte(case: dict[str, str]) -> None:
    message = VECTORS["test-request"]
    method, target, _ = message["start_line"].split(" ")
    headers = {name.lower(): value for name, value in message["headers"]}
    request = RequestParts(method, headers["host"], target.encode(), headers)
    label = case["label"]
    parsed = parse_signature_input("sig1" + case["signature_input"].removeprefix(label))
    lines = [(component, request.component(component[1:-1])) for component in parsed.components]
    assert signature_base(lines, parsed.text).decode() == case["signature_base"]


@pytest.mark.parametrize("name", ["test-key-ed25519", "test-key-ecc-p256"])
def test_the_rfcs_private_keys_load_and_sign(name: str) -> None:
    held = VECTORS["keys"][name]
    key = load_signing_key(held["private_pem"].encode())
    assert load_pem_public_key(held["public_pem"].encode()) == key.public.key
    key.public.verify(key.sign(b"a message"), b"a message")
    assert public_key_from_jwk(key.public.jwk()) == key.public


def test_digests_are_the_rfcs() -> None:
    body = VECTORS["test-request"]["body"].encode()
    assert content_digest(body) == VECTORS["test-request"]["content_digest_sha256_of_body"]
    verify_content_digest(VECTORS["test-request"]["content_digest_sha512_of_body"], body)
    with pytest.raises(DigestMismatch):
        verify_content_digest(content_digest(body), body + b" ")
    both = content_digest(body) + ", " + VECTORS["test-response"]["content_digest_sha512_of_body"]
    with pytest.raises(DigestMismatch):
        verify_content_digest(both, body)


def test_a_webhook_verifies_by_the_definition_and_only_while_fresh() -> None:
    key = generate_signing_key()
    headers = sign_webhook(b"{}", message_id="msg_1", timestamp_s=1_700_000_000, key=key)
    version, _, encoded = headers["webhook-signature"].partition(",")
    assert version == "v1a"
    key.public.verify(b64decode(encoded), b"msg_1.1700000000.{}")
    verify_webhook(headers, b"{}", key=key.public, now=datetime.fromtimestamp(1_700_000_010, UTC))
    with pytest.raises(SignatureStale):
        verify_webhook(headers, b"{}", key=key.public, now=datetime.fromtimestamp(1_700_001_000, UTC))
    with pytest.raises(SignatureInvalid):
        verify_webhook(headers, b"[]", key=key.public, now=datetime.fromtimestamp(1_700_000_010, UTC))
    assert webhook_public_key(key.public).startswith("whpk_")


def test_both_algorithms_have_a_thumbprint_of_their_own() -> None:
    assert public_key_from_jwk(VECTORS["keys"]["test-key-ed25519"]["jwk"]).thumbprint == (
        "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
    )
    assert generate_signing_key(Algorithm.ECDSA_P256_SHA256).public.algorithm is Algorithm.ECDSA_P256_SHA256
