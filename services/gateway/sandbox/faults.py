"""Failing on demand, so that a client can be seen to take it well: the header Sandbox-Fault names what goes wrong."""

import asyncio
from enum import StrEnum

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api.answers import Answering
from services.gateway.api.reading import request_parts
from shared.errors import InvalidInput

SLOW_S = 5.0

HEADER = "sandbox-fault"


class Fault(StrEnum):
    """What goes wrong with one request."""

    UNAVAILABLE = "unavailable"
    """503 from what stands before the exchange, unsigned, with Retry-After; nothing is recorded."""
    LOST_ANSWER = "lost-answer"
    """It is recorded, and the connection is closed before the answer: the outcome is unknown."""
    LOST_REQUEST = "lost-request"
    """The connection is closed and nothing is recorded."""
    SLOW = "slow"
    """The answer comes after five seconds."""
    UNSIGNED_ANSWER = "unsigned-answer"
    """The answer comes without its signature: it must not be believed."""
    ALTERED_ANSWER = "altered-answer"
    """A byte of the answer's body is another one than was signed: it must not be believed."""


class NoSuchFault(InvalidInput):
    """The sandbox knows no fault of that name."""

    code = "sandbox-no-such-fault"


class FaultInjection:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, answering: Answering, authority: str) -> None:
        self._app = app
        self._answering = answering
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, failing as its Sandbox-Fault header asks; a fault of another name is refused."""
        asked = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        match asked:
            case Fault.UNAVAILABLE:
                await _unavailable(send)
            case Fault.LOST_REQUEST:
                await _hang_up(send)
            case Fault.LOST_ANSWER:
                await self._app(scope, receive, _nowhere)
                await _hang_up(send)
            case Fault.SLOW:
                await asyncio.sleep(SLOW_S)
                await self._app(scope, receive, send)
            case Fault.UNSIGNED_ANSWER:
                await self._app(scope, receive, _Unsigned(send))
            case Fault.ALTERED_ANSWER:
                await self._app(scope, receive, _Altered(send))
            case _:
                unknown = NoSuchFault("there is no such fault", remedy=f"Ask for one of: {', '.join(Fault)}.")
                parts = request_parts(Request(scope), authority=self._authority)
                await self._answering.problem(unknown, request=parts)(scope, receive, send)


class _Unsigned:
    """Sends an answer without its signature."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() not in (b"signature", b"signature-input")]
            message = {**message, "headers": kept}
        await self._send(message)


class _Altered:
    """Sends an answer with the last byte of its body changed."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            message = {**message, "body": message["body"][:-1] + b" "}
        await self._send(message)


async def _hang_up(send: Send) -> None:
    # An answer that promises a body and never brings one: the server then closes the connection.
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def _nowhere(_message: Message) -> None:
    return


async def _unavailable(send: Send) -> None:
    # Said by what stands before the exchange, which has no key to sign it with and none of the exchange's problems.
    said = {"type": "about:blank", "status": 503, "detail": "the sandbox was asked to be unavailable"}
    body = orjson.dumps(said)
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": [*headers, (b"retry-after", b"1")]})
    await send({"type": "http.response.body", "body": body})
