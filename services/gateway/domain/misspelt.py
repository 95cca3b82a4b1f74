"""Finding members whose names a record nearly has: what stands at ``concrn`` is kept as sent, and read by nobody."""

import difflib
import re
from collections.abc import Iterator, Mapping

import msgspec
import orjson

MISSPELT = "member-misspelt"
"""The rule by which it is said."""

ALIKE = 0.75
MOST_LOOKED_AT = 32
MOST_SAID = 10
LONGEST_NAME = 64
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Names = Mapping[str, "Names"]
"""The members of a shape by name, each with its own; without any, it holds no object."""


class MemberNames:
    """The names that the members of a shape have, at every depth. Made once for each shape."""

    def __init__(self, shape: type) -> None:
        self._names = _names_of(msgspec.inspect.type_info(shape))

    def misspelt(self, body: bytes) -> tuple[str, ...]:
        """Return pointers to members that are not there, while one of nearly that name is: ``/child/family_name``.

        They are of the shape's own names alone: nothing that was sent is repeated. Empty for what cannot be read.
        """
        try:
            sent = orjson.loads(body)
        except orjson.JSONDecodeError:
            return ()
        return tuple(dict.fromkeys(_meant(sent, self._names, "")))[:MOST_SAID]


def _meant(value: object, names: Names, at: str) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _meant(each, names, at)
    elif isinstance(value, dict):
        unknown = [name for name in value if name not in names and len(name) <= LONGEST_NAME]
        free = [name for name in names if value.get(name) is None] if unknown else []
        for name in unknown[:MOST_LOOKED_AT]:
            written = _WORD_BEGINS.sub("_", name).lower().replace("-", "_").replace(" ", "_")
            for meant in difflib.get_close_matches(written, free, n=1, cutoff=ALIKE):
                yield f"{at}/{meant}"
        for name, below in names.items():
            if below and name in value:
                yield from _meant(value[name], below, f"{at}/{name}")


def _names_of(kind: msgspec.inspect.Type) -> Names:
    match kind:
        case msgspec.inspect.DataclassType() | msgspec.inspect.StructType():
            return {field.encode_name: _names_of(field.type) for field in kind.fields}
        case msgspec.inspect.UnionType():
            return next((names for names in map(_names_of, kind.types) if names), {})
        case msgspec.inspect.VarTupleType() | msgspec.inspect.ListType():
            return _names_of(kind.item_type)
        case _:
            return {}
