"""Keeping real children out of a sandbox: a body with an NHS number that is not a test number is not taken.

Here nobody acts on what is posted: whoever sends a real concern by mistake hears so at once, and nothing of it stays.
"""

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api.answers import Answering
from services.gateway.api.reading import LARGEST_BODY_BYTES, request_parts
from shared.errors import InvalidInput
from shared.reference.nhs_number import read_nhs_number

_TEN_DIGITS = re.compile(rb"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")
_RANDOM = re.compile(rb"[A-Za-z0-9_+/=-]{20,}")
"""Hashes, references and nonces: nobody writes an NHS number so, and one in eleven of their runs of digits passes."""

OWN_ROUTES = "/sandbox/"
"""The sandbox's own: of what comes there nothing is kept, and it holds requests with their times and nonces."""


class RealNumber(InvalidInput):
    """The body holds an NHS number that may be a real child's."""

    code = "sandbox-real-number"


class RealNumbersRefused:
    """Wraps the application: what comes to it holds no NHS number but test numbers, anywhere in the body."""

    def __init__(self, app: ASGIApp, *, answering: Answering, authority: str) -> None:
        self._app = app
        self._answering = answering
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. The body is read whole, up to the size that the application itself takes."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].startswith(OWN_ROUTES):
            await self._app(scope, receive, send)
            return
        read: list[Message] = []
        size_bytes, more = 0, True
        while more and size_bytes <= LARGEST_BODY_BYTES:
            message = await receive()
            read.append(message)
            size_bytes += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)
        if has_real_number(b"".join(message.get("body", b"") for message in read)):
            parts = request_parts(Request(scope), authority=self._authority)
            await self._answering.problem(_refusal(), request=parts)(scope, receive, send)
            return
        await self._app(scope, _Replayed(read, receive), send)


def has_real_number(body: bytes) -> bool:
    """Return whether a body holds ten digits that are a valid NHS number outside the range reserved for tests."""
    for found in _TEN_DIGITS.finditer(_RANDOM.sub(b" x ", body)):
        number = read_nhs_number(found.group().decode("ascii"))
        if number.valid and not number.test_number:
            return True
    return False


class _Replayed:
    """Gives what was read before, and then what comes."""

    def __init__(self, read: list[Message], receive: Receive) -> None:
        self._read = read
        self._receive = receive

    async def __call__(self) -> Message:
        return self._read.pop(0) if self._read else await self._receive()


def _refusal() -> RealNumber:
    return RealNumber(
        "this is a sandbox, and the body holds an NHS number that is not a test number; nothing was kept or passed on",
        remedy="Use numbers beginning 999 here. For a real child, post to the exchange itself; in danger call 999.",
    )
