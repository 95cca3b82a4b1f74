"""Failing on demand, so that a client can be seen to take it well: the header Sandbox-Fault names what goes wrong."""

import asyncio
from enum import StrEnum

import orjson
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class FaultInjection:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, failing as its Sandbox-Fault header asks; a fault of another name is 400."""
        asked = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        match asked:
            case Fault.UNAVAILABLE:
                await _answer(send, 503, {"detail": "the sandbox was asked to be unavailable"}, retry_after_s=1)
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
                known = ", ".join(Fault)
                await _answer(send, 400, {"detail": "there is no such fault", "remedy": f"Ask for one of: {known}."})


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


async def _answer(send: Send, status: int, said: dict[str, str], *, retry_after_s: int | None = None) -> None:
    body = orjson.dumps({"type": "about:blank", "status": status, **said})
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if retry_after_s is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
