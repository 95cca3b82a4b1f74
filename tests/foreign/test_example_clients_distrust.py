"""The example clients' own checks, against a server that answers well or badly on purpose: it needs no exchange."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import read_signature, verify_request
from shared.signatures.response_signature import sign_response
from tests.foreign.example_clients import COMMANDS, KNOWS_ECDSA

pytestmark = pytest.mark.foreign

AGENCY, STRANGER = generate_signing_key(), generate_signing_key()
EXCHANGE, EXCHANGE_ECDSA = generate_signing_key(), generate_signing_key(Algorithm.ECDSA_P256_SHA256)
BODY = b'{"id": "0123", "position": 7}'

Answer = tuple[int, dict[str, str], bytes]
Answering = Callable[[RequestParts], Answer]


def sign_answer(request: RequestParts, *, key: SigningKey = EXCHANGE, created_s: float | None = None) -> Answer:
    """A good answer to a request."""
    headers = {"content-type": "application/json", "content-digest": content_digest(BODY)}
    created = int(datetime.now(UTC).timestamp() if created_s is None else created_s)
    return 201, headers | sign_response(ResponseParts(201, headers), request=request, key=key, created=created), BODY


def other_target(request: RequestParts) -> Answer:
    return sign_answer(RequestParts(request.method, request.authority, b"/v1/withholdings", request.headers))


def other_request(request: RequestParts) -> Answer:
    return sign_answer(
        RequestParts(
            request.method, request.authority, request.raw_target, {**request.headers, "signature": "sig1=:AAAA:"}
        )
    )


def other_body(request: RequestParts) -> Answer:
    status, headers, _ = sign_answer(request)
    return status, headers, b'{"id": "0123", "position": 8}'


def other_body_and_digest(request: RequestParts) -> Answer:
    status, headers, _ = sign_answer(request)
    return status, {**headers, "content-digest": content_digest(b"{}")}, b"{}"


def other_status(request: RequestParts) -> Answer:
    _, headers, body = sign_answer(request)
    return 200, headers, body


def unsigned(request: RequestParts) -> Answer:
    status, headers, body = sign_answer(request)
    return status, {name: headers[name] for name in ("content-type", "content-digest")}, body


def less_covered(request: RequestParts) -> Answer:
    status, headers, body = sign_answer(request)
    fewer = headers["signature-input"].replace(' "signature";req;key="sig1"', "")
    return status, {**headers, "signature-input": fewer}, body


def long_ago(request: RequestParts) -> Answer:
    return sign_answer(request, created_s=1_700_000_000)


BAD: dict[str, tuple[Answering, str]] = {  # with the reason, as a pattern: the libraries have words of their own
    "to another target": (other_target, "does not hold"),
    "to another request": (other_request, "does not hold"),
    "with another body": (other_body, "Content-Digest"),
    "with another body and its digest": (other_body_and_digest, "does not hold"),
    "with another status": (other_status, "does not hold"),
    "unsigned": (unsigned, "not signed"),
    "not bound to the request's signature": (less_covered, "does not cover|is absent"),
    "from long ago": (long_ago, "not fresh|too old"),
    "by a stranger": (lambda request: sign_answer(request, key=STRANGER), "not the exchange's"),
}


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """A server that verifies what it is sent, strictly, and answers as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys = {"keys": [EXCHANGE.public.jwk(), EXCHANGE_ECDSA.public.jwk()]}
            self._send(200, {"content-type": "application/json"}, json.dumps(keys).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = RequestParts("POST", headers["host"], self.path.encode("latin-1"), headers)
            verify_content_digest(headers["content-digest"], body)
            now = datetime.now(UTC)
            verify_request(request, read_signature(request), key=AGENCY.public, tag=Tag.REQUEST, now=now, has_body=True)
            self._send(*answering(request))

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The agency's key and a record."""
    key, record = tmp_path / "key.pem", tmp_path / "record.json"
    key.write_bytes(AGENCY.pem())
    record.write_text('{"format": "safeguarding-exchange/share/v1", "rationale": "höchste Eile"}', "utf-8")
    return key, record


def run(client: str, *arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run([*COMMANDS[client], *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("client", "key"),
    [(client, EXCHANGE) for client in COMMANDS] + [(client, EXCHANGE_ECDSA) for client in sorted(KNOWS_ECDSA)],
    ids=lambda each: each if isinstance(each, str) else str(each.public.algorithm),
)
def test_it_believes_a_good_answer(client: str, key: SigningKey, files: tuple[Path, Path]) -> None:
    with serving(lambda request: sign_answer(request, key=key)) as url:
        code, said, complained = run(client, url, *files)
    assert (code, complained) == (0, "")
    assert json.loads(said) == {"status": 201, "id": "0123", "position": 7, "verified": True}


@pytest.mark.parametrize("client", COMMANDS)
@pytest.mark.parametrize("target", ["/v1/shares?", "/v1/sh%61res?a=%2f&b=?", "/v1//shares/../x?q"])
def test_it_signs_the_target_exactly_as_it_sends_it(
    client: str, target: str, files: tuple[Path, Path], tmp_path: Path
) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [EXCHANGE.public.jwk()]}))
    with serving(sign_answer) as url:
        code, _, complained = run(client, "--jwks", jwks, "--path", target, url, *files, "once-only")
    assert (code, complained) == (0, "")


@pytest.mark.parametrize("client", COMMANDS)
@pytest.mark.parametrize("answer", BAD)
def test_it_does_not_believe_an_answer(client: str, answer: str, files: tuple[Path, Path]) -> None:
    answering, reason = BAD[answer]
    with serving(answering) as url:
        code, said, complained = run(client, url, *files)
    assert (code, said) == (1, "")
    assert re.search(reason, json.loads(complained)["reason"])


@pytest.mark.parametrize("client", COMMANDS)
def test_it_says_how_it_is_called_when_it_is_called_wrongly(client: str) -> None:
    code, said, complained = run(client, "http://127.0.0.1:1")
    assert (code, said) == (2, "")
    assert "usage" in json.loads(complained)["reason"]
