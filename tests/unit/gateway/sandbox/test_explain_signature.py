"""Every usual mistake in signing is named, and the first byte that differs is shown."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.gateway.sandbox.explain_signature import Asked, explain
from shared.signatures.content_digest import content_digest
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
KEY = generate_signing_key()
BODY = b'{"rationale": "so that he is safe"}'
TARGET = b"/v1/sh%61res?a=1"


def asked(
    *, target: bytes = TARGET, body: bytes = BODY, key: SigningKey = KEY, created: datetime = NOW
) -> tuple[RequestParts, bytes]:
    """A request that is signed as it should be, and its base."""
    headers = {
        "host": "Exchange.example:8443",
        "content-type": "application/json",
        "content-digest": content_digest(BODY),
        "idempotency-key": "one",
    }
    unsigned = RequestParts("POST", "exchange.example:8443", target, headers)
    signature = sign_request(
        unsigned, key=key, tag=Tag.REQUEST, created=int(created.timestamp()), nonce="n" * 16, has_body=True
    )
    request = RequestParts("POST", "exchange.example:8443", target, {**headers, **signature})
    found = explain(Asked(request, body, None, key.public), now=NOW)
    assert found.expected_base is not None
    return request, found.expected_base.encode("ascii")


def signed_anew(request: RequestParts, base: bytes, *, key: SigningKey = KEY) -> RequestParts:
    """The same request with a signature over another base."""
    signature = f"sig1=:{b64encode(key.sign(base)).decode('ascii')}:"
    return RequestParts(
        request.method, request.authority, request.raw_target, {**request.headers, "signature": signature}
    )


@pytest.mark.parametrize("key", [KEY, generate_signing_key(Algorithm.ECDSA_P256_SHA256)])
def test_a_good_signature_is_over_what_was_expected(key: SigningKey) -> None:
    request, base = asked(key=key)
    found = explain(Asked(request, BODY, base, key.public), now=NOW)
    assert (found.problem, found.signed, found.difference, list(found.hints)) == (None, "expected", None, [])


MISTAKES: dict[str, Callable[[bytes], bytes]] = {
    "trailing-line-feed": lambda base: base + b"\n",
    "carriage-returns": lambda base: base.replace(b"\n", b"\r\n"),
    "digest-of-the-base": lambda base: hashlib.sha256(base).digest(),
    "parameters-left-out": lambda base: base.rpartition(b"\n")[0],
    "query-left-empty": lambda base: base.replace(b'"@query": ?a=1', b'"@query": '),
    "query-without-its-mark": lambda base: base.replace(b'"@query": ?', b'"@query": '),
    "path-with-query": lambda base: base.replace(b'"@path": /v1/sh%61res', b'"@path": ' + TARGET),
    "path-decoded": lambda base: base.replace(b"sh%61res", b"shares"),
    "method-in-lower-case": lambda base: base.replace(b'"@method": POST', b'"@method": post'),
    "authority-in-other-case": lambda base: base.replace(b"exchange.example", b"EXCHANGE.EXAMPLE"),
    "authority-without-port": lambda base: base.replace(b":8443", b""),
    "whole-url-as-authority": lambda base: base.replace(b'"@authority": ', b'"@authority": https://'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_usual_mistake_is_named_without_the_base_that_was_signed(mistake: str) -> None:
    request, base = asked()
    made = MISTAKES[mistake](base)
    assert made != base
    found = explain(Asked(signed_anew(request, made), BODY, None, KEY.public), now=NOW)
    assert found.problem is not None
    assert (found.problem.code, found.signed, len(found.hints)) == ("signature-invalid", mistake, 1)


def test_the_first_byte_that_differs_is_shown() -> None:
    request, base = asked()
    mine = base.replace(b'"@query": ?a=1', b'"@query": ?a=2')
    found = explain(Asked(signed_anew(request, mine), BODY, mine, KEY.public), now=NOW)
    difference = found.difference
    assert difference is not None
    assert (difference.line, difference.column, difference.component) == (4, len('"@query": ?a='), '"@query"')
    assert base[difference.byte :].startswith(b"1")
    assert mine[difference.byte :].startswith(b"2")
    assert (difference.expected[0], difference.found[0], found.signed) == ("1", "2", "given")


def test_a_header_that_was_signed_otherwise_than_it_was_sent_is_named() -> None:
    request, base = asked()
    mine = base.replace(b"application/json", b"application/json; charset=utf-8")
    found = explain(Asked(signed_anew(request, mine), BODY, mine, KEY.public), now=NOW)
    assert any('"content-type"' in hint and "libraries" in hint for hint in found.hints)


def test_a_base_that_ends_early_differs_at_its_end() -> None:
    request, base = asked()
    found = explain(Asked(request, BODY, base[:-1], KEY.public), now=NOW)
    assert found.difference is not None
    assert (found.difference.byte, found.difference.found) == (len(base) - 1, "(the end)")


def test_another_key_or_other_bytes_are_said_to_be_so() -> None:
    request, base = asked()
    found = explain(Asked(signed_anew(request, b"something else"), BODY, base, KEY.public), now=NOW)
    assert found.signed is None
    assert "another key" in found.hints[0]


def test_a_der_signature_is_recognised() -> None:
    key = generate_signing_key(Algorithm.ECDSA_P256_SHA256)
    request, _ = asked(key=key)
    headers = {**request.headers, "signature": f"sig1=:{b64encode(bytes(71)).decode('ascii')}:"}
    found = explain(
        Asked(RequestParts("POST", request.authority, request.raw_target, headers), BODY, None, key.public), now=NOW
    )
    assert any("DER" in hint for hint in found.hints)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": "sig1=:_-__:"}, "signature-malformed"),
        ({"signature-input": 'sig2=("@method")'}, "signature-malformed"),
        ({"signature-input": 'sig1=("@method", "@path")'}, "signature-malformed"),
        ({"content-digest": "sha-256=:AAAA:"}, "digest-mismatch"),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_to_sign(change: dict[str, str], code: str) -> None:
    request, _ = asked()
    changed = RequestParts("POST", request.authority, request.raw_target, {**request.headers, **change})
    found = explain(Asked(changed, BODY, None, KEY.public), now=NOW)
    assert found.problem is not None
    assert found.problem.code == code
    assert found.expected_base is not None
    assert '"@authority": exchange.example:8443' in found.expected_base
    assert found.expected_digest == content_digest(BODY)


def test_an_old_signature_is_stale_though_it_holds() -> None:
    request, base = asked(created=NOW - timedelta(minutes=6))
    found = explain(Asked(request, BODY, base, KEY.public), now=NOW)
    assert found.problem is not None
    assert (found.problem.code, found.signed) == ("signature-stale", "expected")
