"""Reading a JSON value as a record, or naming every member that is not of the type, or in the range, of its schema.

The library stops at the first fault: what it points at is taken out, and the rest read again. Nothing that was sent is
repeated, only where it stood.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from services.gateway.api.problems import WrongTypes
from shared.canonical_json import Json

MOST_FAULTS = 20
"""A body of another kind altogether is not gone through to its end."""

_KINDS = {
    "str": "a text",
    "object": "an object",
    "array": "a list",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}
_RANGES = {">=": "at least", "<=": "at most", "matching regex": "a text that matches"}
_OUTSIDE = re.compile(r"Expected `[a-z]+` (>=|<=|matching regex) (.+?)(?: - at `\$[^`]*`)?\Z")
_PATH_IN_ERROR = re.compile(r"`(\$[^`]*)`\Z")
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")

Record = TypeVar("Record")
Path = tuple[str | int, ...]


def read_record(value: Json, shape: type[Record]) -> Record:
    """Return a value as a record, a null where a list belongs being nothing: many systems write an empty list so.

    Raises WrongTypes that points at each member of another type or out of range, up to MOST_FAULTS of them.
    """
    rest, faults = _without_nulls(value), _Faults()
    while True:
        try:
            record = msgspec.convert(rest, shape)
        except msgspec.ValidationError as error:
            # The library's message names types and the member's path, and never a value. Anything else is left out.
            if not faults.take_out(rest, str(error)):
                raise faults.refusal() from error
        else:
            if faults.said:
                raise faults.refusal()
            return record


@dataclass(slots=True)
class _Faults:
    """What was found wrong, in words; ``out`` are the paths in the body as it came that were taken out of it."""

    said: list[str] = field(default_factory=list)
    out: set[Path] = field(default_factory=set)

    def take_out(self, value: Json, message: str) -> bool:
        """Note a fault and take what it is about out of a value; False when there is nothing left to go on with."""
        found = _PATH_IN_ERROR.search(message)
        steps = _steps(found.group(1)) if found else ()
        path = self._as_it_came(steps)
        missing = re.match(r"Object missing required field `([a-z_]+)`", message)
        if missing is None or (*path, missing.group(1)) not in self.out:
            self.said.append(_in_words(path, message, lacks=missing.group(1) if missing else ""))
        self.out.add(path)
        return len(self.said) < MOST_FAULTS and _remove(value, steps)

    def refusal(self) -> WrongTypes:
        """Return what refuses the body."""
        more = "; and perhaps others" if len(self.said) >= MOST_FAULTS else ""
        return WrongTypes("; ".join(self.said) + more, remedy="See docs/schemas for what each member takes.")

    def _as_it_came(self, steps: Path) -> Path:
        path: Path = ()
        for step in steps:
            if isinstance(step, int):
                # What was taken out of a list before it stood there as well.
                for gone in sorted(each[-1] for each in self.out if each[:-1] == path and isinstance(each[-1], int)):
                    step += gone <= step
            path = (*path, step)
        return path


def _without_nulls(value: Json) -> Json:
    """Return a value whose members that are null are left out."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def _remove(value: Json, steps: Path) -> bool:
    """Take what stands at the end of a path out of a value; False when that is the whole, or is not there."""
    within: object = value
    for depth, step in enumerate(steps, 1):
        if not isinstance(within, dict | list):
            return False
        try:
            within = within[step] if depth < len(steps) else within.pop(step)  # type: ignore[index, arg-type]
        except (LookupError, TypeError):
            return False
    return bool(steps)


def _steps(path: str) -> Path:
    """Return a path such as ``$.carers[0].name`` by its steps; of a member under any name, the object it is in."""
    known = path.partition("[...]")[0].removeprefix("$")
    return tuple(name or int(index) for name, index in _STEP.findall(known))


def _in_words(path: Sequence[str | int], message: str, *, lacks: str) -> str:
    pointer = "/" + "/".join(map(str, path))
    if lacks:
        return f"the object at {pointer} lacks the member {lacks}"
    outside = _OUTSIDE.match(message)
    if outside:
        return f"the member at {pointer} is outside what is taken there: {_RANGES[outside.group(1)]} {outside.group(2)}"
    expected = re.match(r"Expected `([a-z |`]+)`, got `([a-z ]+)`", message)
    what = f": {_kinds(expected.group(1))} is expected there, not {_kinds(expected.group(2))}" if expected else ""
    return f"the member at {pointer} has the wrong type{what}"


def _kinds(kinds: str) -> str:
    """Return kinds of values, as the library names them, in words. That null serves as well goes without saying."""
    named = [kind for kind in kinds.replace("`", "").split(" | ") if kind != "null"] or ["null"]
    return " or ".join(_KINDS.get(kind, kind) for kind in named)
