"""Reading a request off the wire: size, type, key and shape, each refused by its own name."""

import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from services.gateway.api.problems import (
    IdempotencyKeyMissing,
    InvalidUtf8,
    NotJson,
    TooLarge,
    WrongContentType,
    WrongTypes,
)
from services.gateway.domain.misspelt import MemberNames
from services.gateway.record_decision import Sent
from shared.canonical_json import Json
from shared.errors import ExchangeError, InvalidInput, Unavailable
from shared.signatures.message import RequestParts

LARGEST_BODY_BYTES = 256 * 1024
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*\Z', re.IGNORECASE)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_KINDS = {
    "str": "a text",
    "object": "an object",
    "array": "a list",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
_PATH_IN_ERROR = re.compile(r"`(\$[^`]*)`\Z")

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
        """Return the record. Raises NotJson, InvalidUtf8, or WrongTypes that points at the member."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            return self._decode_without_nulls(body, error)
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

    def _decode_without_nulls(self, body: bytes, error: msgspec.ValidationError) -> Record:
        """Return the record, a null where a list belongs being nothing: many systems write an empty list so."""
        try:
            whole: Json = msgspec.json.decode(body)
            return msgspec.convert(_without_nulls(whole), self._shape)
        except msgspec.ValidationError:
            raise _wrong_types(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as unreadable:
            raise _unreadable(body) from unreadable


def _without_nulls(value: Json) -> Json:
    """Return a value whose members that are null are left out."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def _unreadable(body: bytes) -> ExchangeError:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return InvalidUtf8("the body is not valid UTF-8")
    return NotJson("the body is not JSON")


def _wrong_types(message: str) -> InvalidInput:
    # The library's message names types and the member's path, and never a value. Anything else is left out.
    found = _PATH_IN_ERROR.search(message)
    pointer = _pointer(found.group(1)) if found else "/"
    missing = re.match(r"Object missing required field `([a-z_]+)`", message)
    if missing:
        return WrongTypes(
            f"the object at {pointer} lacks the member {missing.group(1)}",
            remedy="See docs/schemas for the type of each member.",
        )
    expected = re.match(r"Expected `([a-z |`]+)`, got `([a-z ]+)`", message)
    what = f": {_in_words(expected.group(1))} is expected there, not {_in_words(expected.group(2))}" if expected else ""
    return WrongTypes(
        f"the member at {pointer} has the wrong type{what}", remedy="See docs/schemas for the type of each member."
    )


def _pointer(path: str) -> str:
    """Return a path such as ``$.carers[0].name`` as a JSON Pointer; of a member under any name, the object it is in."""
    known = path.partition("[...]")[0].removeprefix("$")
    return re.sub(r"\[([0-9]+)\]", r"/\1", known).replace(".", "/") or "/"


def _in_words(kinds: str) -> str:
    """Return kinds of values, as the library names them, in words. That null serves as well goes without saying."""
    named = [kind for kind in kinds.replace("`", "").split(" | ") if kind != "null"] or ["null"]
    return " or ".join(_KINDS.get(kind, kind) for kind in named)


def _too_large() -> TooLarge:
    return TooLarge("the body is larger than 256 KiB", remedy="Send attachments by hash, not inline.")
