"""The answering side of calls between processes: MessagePack in, MessagePack out, errors with their category."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from shared.errors import ExchangeError, IntegrityFailure, InvalidInput, NotFound, Unavailable
from shared.ledger.messages import Failure
from shared.process.logs import fault
from shared.process.remote import MEDIA_TYPE, failure_of

LARGEST_MESSAGE_BYTES = 2 * 1024 * 1024

log = structlog.get_logger()

Message = TypeVar("Message")
Reply = TypeVar("Reply")

Route = Callable[[bytes, str], Awaitable[object]]
"""Takes a message's bytes and the caller's name, and returns the reply."""


class MessageApp:
    """An ASGI application over routes. ``scope['caller']`` says by which door a call came.

    ``permit`` is asked first, with path and caller, and raises what the caller is refused with.
    """

    def __init__(self, routes: Mapping[str, Route], *, permit: Callable[[str, str], None]) -> None:
        self._routes = routes
        self._permit = permit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call: 200 and the reply, or an error's status and a Failure."""
        if scope["type"] != "http":
            return

        async def answer() -> object:
            return await self._answer(scope, await _body(receive))

        reply = await answered(answer, path=scope["path"])
        status = _status_of(reply) if isinstance(reply, Failure) else 200
        body = msgspec.msgpack.encode(reply)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, body: bytes) -> object:
        path, caller = scope["path"], scope["caller"]
        route = self._routes.get(path)
        if route is None:
            raise NotFound("there is no such call")
        self._permit(path, caller)
        return await route(body, caller)


async def answered(answer: Callable[[], Awaitable[Reply]], *, path: str) -> Reply | Failure:
    """Return an answer, or the Failure that says why there is none. Raises nothing but a cancellation."""
    try:
        return await answer()
    except ExchangeError as error:
        return failure_of(error)
    except Exception as error:
        # The last resort, so that a fault of ours is an answer and never a traceback with content in it.
        log.error("call_failed", path=path, **fault(error))
        return failure_of(Unavailable("the call failed", outcome_unknown=True))


def decode(body: bytes, kind: type[Message]) -> Message:
    """Return the message. Raises InvalidInput when it does not have the form that the call takes."""
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidInput("the message does not have the form that this call takes") from error


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unavailable("the caller went away")
        part = message.get("body", b"")
        size_bytes += len(part)
        if size_bytes > LARGEST_MESSAGE_BYTES:
            raise InvalidInput("the message is larger than 2 MiB")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _status_of(failure: Failure) -> int:
    # The category travels in the body; the status is for whoever reads an access log.
    return {IntegrityFailure.__name__: 500, Unavailable.__name__: 503}.get(failure.category, 400)
