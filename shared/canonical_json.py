"""Canonical JSON (RFC 8785) for values that hold only strings, integers, booleans, null, lists and objects.

Keeping to ASCII keys and integers below 2**53 makes a fast sorted serialiser give the very bytes that RFC 8785
asks for; a property test holds this module equal to an independent implementation.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import orjson

from shared.errors import InvalidInput

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""A value that this project's hashed and signed formats may hold. Floats are left out on purpose."""

DEEPEST_NESTING = 200
"""How many lists and objects may stand in one another: a bound of the format, not of the machine's stack."""

_LARGEST_INTEGER = 2**53 - 1


def canonical_bytes(value: Json) -> bytes:
    """Return the canonical UTF-8 bytes of ``value``.

    Equal values give equal bytes, on any machine and in any later release. Raises InvalidInput for a float, an
    integer beyond 2**53 - 1, a key that is not ASCII, a lone surrogate, nesting deeper than DEEPEST_NESTING, or
    anything that is not JSON.
    """
    _check(value, DEEPEST_NESTING)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, UnicodeEncodeError) as error:
        raise InvalidInput("the value holds text that is not valid Unicode") from error


def parse_json(data: bytes) -> Json:
    """Return the value that ``data`` encodes. Raises InvalidInput when it is not JSON in UTF-8."""
    try:
        parsed: Json = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("not JSON in UTF-8") from error
    return parsed


def _check(value: object, deeper: int) -> None:
    kind = type(value)
    if kind is str or value is None or kind is bool or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise InvalidInput("an integer beyond 2**53 - 1 has no canonical form")
        return
    if not deeper:
        raise InvalidInput("the value is nested too deep, or is no JSON, and has no canonical form")
    if isinstance(value, dict):
        for key, member in value.items():
            if type(key) is not str or not key.isascii():
                raise InvalidInput("an object's keys must be plain ASCII strings to have a canonical form")
            # Most are text: asked here, they cost no call.
            if type(member) is not str:
                _check(member, deeper - 1)
        return
    if isinstance(value, list | tuple):
        for member in value:
            _check(member, deeper - 1)
        return
    raise InvalidInput("only strings, integers, booleans, null, lists and objects have a canonical form")
