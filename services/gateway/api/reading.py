"""Reading a request off the wire: size, type, key and shape, each refused by its own name."""

import re
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from services.gateway.api.problems import (
    IdempotencyKeyMissing,
    InvalidUtf8,
    NotJson,
    TooLarge,
    WrongContentType,
)
from services.gateway.api.wrong_types import read_record
from services.gateway.domain.misspelt import MemberNames
from services.gateway.record_decision import Sent
from shared.errors import ExchangeError, InvalidInput, Unavailable
from shared.signatures.message import RequestParts

LARGEST_BODY_BYTES = 256 * 1024
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*\Z', re.IGNORECASE)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
Record = TypeVar("Record")


async def read_body(request: Request) -> bytes:
    """Return the body's bytes as received. Raises TooLarge without reading more than the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size_bytes = 0
    try:
        async for part in request.stream():
            size_bytes += len(part)
            if size_bytes > LARGEST_BODY_BYTES:
                raise _too_large()
            parts.append(part)
    except ClientDisconnect as error:
        raise Unavailable("the sender went away before the whole body had come") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def request_parts(request: Request, *, authority: str) -> RequestParts:
    """Return the request as its signature sees it: the target as sent, never decoded; repeated headers joined.

    ``authority`` is the gateway's own name: a request that was signed for another host does not verify here.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode("latin-1", "replace")
    query: bytes = request.scope["query_string"]
    target = path.partition(b"?")[0] + (b"?" + query if query else b"")
    return RequestParts(request.method, authority, target, headers)


def check_content_type(parts: RequestParts) -> None:
    """Raise WrongContentType unless the body is said to be JSON."""
    if not _JSON_TYPE.match(parts.headers.get("content-type", "")):
        raise WrongContentType("the Content-Type is not application/json", remedy="Send application/json in UTF-8.")


def idempotency_key(parts: RequestParts) -> str:
    """Return the Idempotency-Key. Raises IdempotencyKeyMissing when it cannot serve as one."""
    key = parts.headers.get("idempotency-key", "")
    if not _IDEMPOTENCY_KEY.match(key):
        raise IdempotencyKeyMissing("there is no usable Idempotency-Key")
    return key


class RecordDecoder(Generic[Record]):
    """Decodes bodies of one shape. Members that are not known are left in the sealed body and passed over."""

    def __init__(self, shape: type[Record]) -> None:
        self._shape = shape
        self._decoder = msgspec.json.Decoder(shape)
        self._names = MemberNames(shape)

    def decode(self, body: bytes) -> Record:
        """Return the record. Raises NotJson, InvalidUtf8, or WrongTypes that points at each wrong member."""
        try:
            try:
                return self._decoder.decode(body)
            except msgspec.ValidationError:
                return read_record(msgspec.json.decode(body), self._shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _unreadable(body) from error

    def read(self, body: bytes, check: Callable[[Record], None]) -> Record:
        """Return the record once it has passed a check; what the check raises also says what may have been misspelt."""
        record = self.decode(body)
        try:
            check(record)
        except InvalidInput as refusal:
            meant = self.misspelt(body)
            if meant:
                hint = f"Was one of these misspelt: {', '.join(meant)}?"
                refusal.remedy = f"{refusal.remedy} {hint}" if refusal.remedy else hint
            raise
        return record

    def sent(self, parts: RequestParts, body: bytes) -> Sent:
        """Return a body of this shape as it was sent. Raises IdempotencyKeyMissing."""
        return Sent(body, idempotency_key(parts), parts.raw_target.decode("latin-1"), self.misspelt(body))

    def misspelt(self, body: bytes) -> tuple[str, ...]:
        """Return the members that a body seems to mean by names that the shape does not have."""
        return self._names.misspelt(body)


def _unreadable(body: bytes) -> ExchangeError:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return InvalidUtf8("the body is not valid UTF-8")
    return NotJson("the body is not JSON")


def _too_large() -> TooLarge:
    return TooLarge("the body is larger than 256 KiB", remedy="Send attachments by hash, not inline.")
