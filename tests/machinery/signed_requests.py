"""Signs requests of the ``requests`` library just before they are sent, whatever is in them."""

import os
import re
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import requests
from requests.auth import AuthBase
from schemathesis.auths import GLOBAL_AUTH_STORAGE

from shared.clock import parse_rfc3339
from shared.errors import ExchangeError
from shared.identifiers import AgencyId
from shared.signatures.content_digest import content_digest
from shared.signatures.key_possession import prove_possession
from shared.signatures.keys import SigningKey, generate_signing_key, load_signing_key
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request

KEY_FILE = "SIGNED_REQUESTS_KEY_FILE"
"""The environment variable that names the file of the key to sign with."""

AGENCY = "SIGNED_REQUESTS_AGENCY"
"""The environment variable that names the agency whose key it is."""

_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:\Z")
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_PROOF = re.compile(r"[A-Za-z0-9_-]{86}\Z")
_IN_ORDER = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "9998-12-31T23:59:59Z"}
"""Two times of which the one comes before the other, to stand for any two that are well-formed."""


class SignedRequests(AuthBase):
    """Does for each request what no schema can say: a right digest and proof for well-formed ones, a signature.

    What is missing or malformed stays so.
    """

    def __init__(self, key: SigningKey, *, agency: AgencyId) -> None:
        self._key = key
        self._agency = agency

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request as an agency's system would send it."""
        body = request.body or b""
        sent = self._proven(body.encode() if isinstance(body, str) else bytes(body))
        if sent != body:
            request.body = sent
            request.headers["content-length"] = str(len(sent))
        if _DIGEST.match(_text(request.headers.get("content-digest", ""))):
            request.headers["content-digest"] = content_digest(sent)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        url = urlsplit(request.url or "")
        target = url.path + (f"?{url.query}" if url.query else "")
        parts = RequestParts(request.method or "GET", url.netloc, target.encode(), headers)
        try:
            signed = sign_request(
                parts,
                key=self._key,
                tag=Tag.REQUEST,
                created=int(time.time()),
                nonce=secrets.token_urlsafe(16),
                has_body=request.method == "POST",
            )
        except ExchangeError:
            # Something that must be covered is missing or cannot stand in a signature base: it goes unsigned.
            return request
        request.headers.update(signed)
        return request

    def _proven(self, body: bytes) -> bytes:
        """Return the body with a real key and its proof where it brings a key that is well-formed."""
        try:
            record = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
        if not isinstance(record, dict) or not _PROOF.match(str(record.get("proof"))):
            return body
        jwk = record.get("jwk")
        if not isinstance(jwk, dict) or not all(_COORDINATE.match(str(jwk.get(name))) for name in _coordinates(jwk)):
            return body
        key = generate_signing_key()
        proven = {**record, "jwk": {**jwk, **key.public.jwk()}, "proof": prove_possession(self._agency, key)}
        proven |= {name: day for name, day in _IN_ORDER.items() if _is_time(record.get(name))}
        return orjson.dumps(proven)


def _is_time(text: object) -> bool:
    try:
        parse_rfc3339(text if isinstance(text, str) else "")
    except ExchangeError:
        return False
    return True


def _coordinates(jwk: dict[str, object]) -> tuple[str, ...]:
    match jwk.get("kty"), jwk.get("crv"):
        case "OKP", "Ed25519":
            return ("x",)
        case "EC", "P-256":
            return ("x", "y")
        case _:
            return ("neither",)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def sign_with_key_of_the_environment() -> None:
    """Have Schemathesis sign every request with the key whose file the environment names."""
    key = load_signing_key(Path(os.environ[KEY_FILE]).read_bytes())
    GLOBAL_AUTH_STORAGE.set_from_requests(SignedRequests(key, agency=AgencyId(os.environ[AGENCY])))
