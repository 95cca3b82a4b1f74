"""What the receiver does with a push: both of its signatures checked, kept in memory, and signed for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.clock import Clock
from shared.errors import ExchangeError
from shared.signatures.content_digest import content_digest, verify_content_digest
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts, ResponseParts, Tag
from shared.signatures.request_signature import read_signature, verify_request
from shared.signatures.response_signature import sign_response
from shared.signatures.standard_webhooks import verify_webhook

MEDIA_TYPE = "application/json"


class Behaviour(StrEnum):
    """How the receiver answers a push that is in order."""

    SIGN = "sign"
    UNSIGNED = "unsigned"
    FAIL = "fail"
    REDIRECT = "redirect"


@dataclass(slots=True)
class Receiver:
    """One recipient's receiver. ``push_key`` is the exchange's; ``key`` is the recipient's own."""

    recipient: str
    key: SigningKey
    push_key: PublicKey
    clock: Clock
    behaviour: Behaviour = Behaviour.SIGN
    events: list[dict[str, object]] = field(default_factory=list)

    def take(self, request: RequestParts, body: bytes) -> None:
        """Keep an event whose signatures hold. Raises the ExchangeError that says what is wrong otherwise."""
        verify_content_digest(request.headers.get("content-digest"), body)
        claimed = read_signature(request)
        verify_request(request, claimed, key=self.push_key, tag=Tag.PUSH, now=self.clock.now(), has_body=True)
        verify_webhook(request.headers, body, key=self.push_key, now=self.clock.now())
        event = orjson.loads(body)
        overtaking = request.headers.get("exchange-overtaking") == "?1"
        self.events.append({"event": event, "overtaking": overtaking})

    def answer(self, request: RequestParts) -> Response:
        """Return the answer to a push that was kept."""
        body = orjson.dumps({"status": "received"})
        match self.behaviour:
            case Behaviour.UNSIGNED:
                return Response(body, 200, media_type=MEDIA_TYPE)
            case Behaviour.FAIL:
                return Response(b"", 500)
            case Behaviour.REDIRECT:
                return Response(b"", 302, {"location": "/elsewhere"})
            case _:
                headers = {"content-type": MEDIA_TYPE, "content-digest": content_digest(body)}
                signature = sign_response(
                    ResponseParts(200, headers),
                    request=request,
                    key=self.key,
                    created=int(self.clock.now().timestamp()),
                )
                return Response(body, 200, {**headers, **signature})


def make_app(receiver: Receiver) -> Starlette:
    """Return the receiver's interface: ``POST /push``, ``GET /events``, ``PUT /behaviour/{name}``."""

    async def push(request: Request) -> Response:
        body = await request.body()
        parts = _parts(request.method, request.scope, dict(request.headers))
        try:
            receiver.take(parts, body)
        except ExchangeError as error:
            return JSONResponse({"code": error.code, "detail": error.detail}, 401)
        return receiver.answer(parts)

    async def events(_request: Request) -> Response:
        return Response(orjson.dumps(receiver.events), media_type=MEDIA_TYPE)

    async def behave(request: Request) -> Response:
        receiver.behaviour = Behaviour(request.path_params["name"])
        return JSONResponse({"behaviour": receiver.behaviour})

    return Starlette(
        routes=[
            Route("/push", push, methods=["POST"]),
            Route("/events", events, methods=["GET"]),
            Route("/behaviour/{name}", behave, methods=["PUT"]),
        ]
    )


def _parts(method: str, scope: Mapping[str, object], headers: dict[str, str]) -> RequestParts:
    query = scope["query_string"]
    raw_path = scope["raw_path"]
    target = (raw_path if isinstance(raw_path, bytes) else b"/").partition(b"?")[0]
    if isinstance(query, bytes) and query:
        target += b"?" + query
    return RequestParts(method, headers.get("host", "").lower(), target, headers)
