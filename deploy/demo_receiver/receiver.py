"""What the receiver does with a push: both of its signatures checked, kept in memory, and signed for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from client.pushes import MEDIA_TYPE, Push, answer_push, verify_push
from shared.clock import Clock
from shared.errors import ExchangeError
from shared.signatures.keys import PublicKey, SigningKey
from shared.signatures.message import RequestParts


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

    def take(self, request: RequestParts, body: bytes) -> Push:
        """Keep an event whose signatures hold. Raises the ExchangeError that says what is wrong otherwise."""
        push = verify_push(request, body, push_keys=[self.push_key], now=self.clock.now())
        self.events.append({"event": push.event, "overtaking": push.overtaking})
        return push

    def answer(self, push: Push) -> Response:
        """Return the answer to a push that was kept."""
        signed = answer_push(push, key=self.key, now=self.clock.now())
        match self.behaviour:
            case Behaviour.UNSIGNED:
                return Response(signed.body, 200, media_type=MEDIA_TYPE)
            case Behaviour.FAIL:
                return Response(b"", 500)
            case Behaviour.REDIRECT:
                return Response(b"", 302, {"location": "/elsewhere"})
            case _:
                return Response(signed.body, signed.status, dict(signed.headers))


def make_app(receiver: Receiver) -> Starlette:
    """Return the receiver's interface: ``POST /push``, ``GET /events``, ``PUT /behaviour/{name}``."""

    async def push(request: Request) -> Response:
        body = await request.body()
        parts = _parts(request.method, request.scope, dict(request.headers))
        try:
            taken = receiver.take(parts, body)
        except ExchangeError as error:
            return JSONResponse({"code": error.code, "detail": error.detail}, 401)
        return receiver.answer(taken)

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
