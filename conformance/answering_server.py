"""A server in the exchange's place that verifies what it is sent, strictly, and answers well or badly on purpose."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from conformance.receipts import LOG, kept_answer
from shared.canonical_json import Json
from shared.errors import ExchangeError
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import Algorithm, SigningKey, generate_signing_key
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import read_signature, verify_request
from shared.signatures.response_signature import sign_response

AGENCY, STRANGER = generate_signing_key(), generate_signing_key()
AGENCY_ECDSA = generate_signing_key(Algorithm.ECDSA_P256_SHA256)
EXCHANGE, EXCHANGE_ECDSA = generate_signing_key(), generate_signing_key(Algorithm.ECDSA_P256_SHA256)
BODY = kept_answer()
LOG_KEYS = (LOG.verifier().verifier_key(),)

Answer = tuple[int, dict[str, str], bytes]
Answering = Callable[[RequestParts], Answer | None]
"""Gives the answer to a request; None hangs up without one."""


@dataclass(slots=True)
class Serving:
    """Where the server is, the requests that came and held, their bodies, and what was wrong with the others."""

    url: str
    requests: list[RequestParts] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def published_keys(log_keys: Sequence[str] = LOG_KEYS) -> dict[str, Json]:
    """Return what this exchange answers to ``GET /v1/keys``."""
    return {"keys": [EXCHANGE.public.jwk(), EXCHANGE_ECDSA.public.jwk()], "log_keys": list(log_keys)}


def sign_answer(
    request: RequestParts,
    *,
    status: int = 201,
    body: bytes = BODY,
    key: SigningKey = EXCHANGE,
    created_s: float | None = None,
    more: Mapping[str, str] | None = None,
) -> Answer:
    """Return a good answer to a request. ``more`` are headers that are not signed."""
    headers = {"content-type": "application/json", "content-digest": content_digest(body)}
    created = int(datetime.now(UTC).timestamp() if created_s is None else created_s)
    signature = sign_response(ResponseParts(status, headers), request=request, key=key, created=created)
    return status, headers | signature | dict(more or {}), body


def sign_problem(request: RequestParts, *, status: int, code: str, more: Mapping[str, str] | None = None) -> Answer:
    """Return a good refusal."""
    body = json.dumps({"type": f"/problems/{code}", "detail": "so it is", "remedy": "mend it"}).encode()
    return sign_answer(request, status=status, body=body, more=more)


class Turns:
    """Answers in turn, the last one for ever."""

    def __init__(self, *turns: Answering) -> None:
        self._turns = list(turns)

    def __call__(self, request: RequestParts) -> Answer | None:
        """Give the next answer in turn."""
        return (self._turns.pop(0) if len(self._turns) > 1 else self._turns[0])(request)


def unavailable(request: RequestParts) -> Answer:
    """Say that it cannot be done now, and may be tried again at once."""
    return sign_problem(request, status=503, code="unavailable", more={"retry-after": "0"})


def hang_up(_request: RequestParts) -> None:
    """Close the connection without an answer."""
    return


def _other_target(request: RequestParts) -> Answer:
    return sign_answer(RequestParts(request.method, request.authority, b"/v1/withholdings", request.headers))


def _other_request(request: RequestParts) -> Answer:
    headers = {**request.headers, "signature": "sig1=:AAAA:"}
    return sign_answer(RequestParts(request.method, request.authority, request.raw_target, headers))


def _other_body(request: RequestParts) -> Answer:
    status, headers, _ = sign_answer(request)
    return status, headers, kept_answer(position=8)


def _other_body_and_digest(request: RequestParts) -> Answer:
    status, headers, _ = sign_answer(request)
    return status, {**headers, "content-digest": content_digest(b"{}")}, b"{}"


def _other_status(request: RequestParts) -> Answer:
    _, headers, body = sign_answer(request)
    return 200, headers, body


def _unsigned(request: RequestParts) -> Answer:
    status, headers, body = sign_answer(request)
    return status, {name: headers[name] for name in ("content-type", "content-digest")}, body


def _unsigned_refusal(_request: RequestParts) -> Answer:
    return 409, {"content-type": "application/problem+json"}, b'{"type": "/problems/idempotency-key-reused"}'


def _less_covered(request: RequestParts) -> Answer:
    status, headers, body = sign_answer(request)
    fewer = headers["signature-input"].replace(' "signature";req;key="sig1"', "")
    return status, {**headers, "signature-input": fewer}, body


def _long_ago(request: RequestParts) -> Answer:
    return sign_answer(request, created_s=1_700_000_000)


BAD_ANSWERS: dict[str, Answering] = {
    "to another target": _other_target,
    "to another request": _other_request,
    "with another body": _other_body,
    "with another body and its digest": _other_body_and_digest,
    "with another status": _other_status,
    "unsigned": _unsigned,
    "unsigned, saying no": _unsigned_refusal,
    "not bound to the request's signature": _less_covered,
    "from long ago": _long_ago,
    "by a stranger": lambda request: sign_answer(request, key=STRANGER),
}
"""Answers that no client may believe."""


@contextmanager
def serving(answering: Answering, *, log_keys: Sequence[str] = LOG_KEYS) -> Iterator[Serving]:
    """Serve on the loopback address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    found = Serving(f"http://127.0.0.1:{server.server_port}")
    known = {each.public.thumbprint: each.public for each in (AGENCY, AGENCY_ECDSA)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(published_keys(log_keys)).encode()
            self._send(200, {"content-type": "application/json"}, body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = RequestParts("POST", headers.get("host", ""), self.path.encode("latin-1"), headers)
            try:
                verify_content_digest(headers.get("content-digest"), body)
                claimed, now = read_signature(request), datetime.now(UTC)
                # A key that is not known here is left to what answers.
                if claimed.key_id in known:
                    key = known[claimed.key_id]
                    verify_request(request, claimed, key=key, tag=Tag.REQUEST, now=now, has_body=True)
            except ExchangeError as error:
                found.faults.append(error.detail)
                self._send(400, {"content-type": "application/problem+json"}, b'{"type": "about:blank"}')
                return
            found.requests.append(request)
            found.bodies.append(body)
            answer = answering(request)
            if answer is None:
                self.close_connection = True
            else:
                self._send(*answer)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            return

    server.RequestHandlerClass = Handler
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
