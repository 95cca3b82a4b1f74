"""Protected parts of a record: where a refuge is, who adopted, who fosters. How they are marked, and where they stand.

Any object of a record may say ``"protected"``: a kind, true, or false. What is marked and not understood is protected
as closely as anything is. What a record about a child leaves unmarked is taken as protected where earlier records, or
this one, say that the child is: a person who forgets the mark must not lead somebody to the door.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shared.canonical_json import Json
from shared.vocabulary import NOT_APPLICABLE

MARK = "protected"


class Protection(StrEnum):
    """Why a part of a record is protected."""

    REFUGE = "refuge"
    PLACEMENT = "placement"
    ADOPTION = "adoption"
    UNKNOWN = "unknown"


_NOT_PROTECTED = frozenset({"no", "none", "not_protected", NOT_APPLICABLE.lower()})
_PLACES = frozenset({"address", "where", "accommodation"})
"""Members that say where a child, or somebody it lives with, is."""

_PEOPLE = frozenset({"carers", "household"})
"""Members that say with whom a child lives."""

_HIDES_PEOPLE = frozenset({Protection.PLACEMENT, Protection.ADOPTION, Protection.UNKNOWN})

_DEEPEST = 100
"""How many objects and lists may stand in one another before what is inside is taken as protected, unread."""

Hides = Callable[[Protection], bool]
"""Says whether a part that is protected in a way is hidden from somebody."""


def protection_said(mark: Json) -> Protection | None:
    """Return what a mark says: None when it says that nothing is protected, or nothing at all."""
    if mark is None or mark is False:
        return None
    if not isinstance(mark, str):
        return Protection.UNKNOWN
    said = mark.strip().lower()
    if said in _NOT_PROTECTED:
        return None
    try:
        return Protection(said)
    except ValueError:
        return Protection.UNKNOWN


def is_understood(mark: Json) -> bool:
    """Return whether a mark is one that the exchange knows. True alone says too little, and is taken most closely."""
    said = protection_said(mark)
    return said is not Protection.UNKNOWN or mark is True or mark == Protection.UNKNOWN.value


def protections_in(value: Json) -> frozenset[Protection]:
    """Return in which ways parts of a record are protected, as it says; a child that is looked after is placed."""
    said = {kind for kind in map(protection_said, marks_in(value)) if kind is not None}
    return frozenset(said | ({Protection.PLACEMENT} if _says_looked_after(value, depth=0) else set()))


def marks_in(value: Json, *, depth: int = 0) -> list[Json]:
    """Return every mark that a record makes, wherever it stands. What is nested too deep to be read counts as one."""
    if depth > _DEEPEST:
        return [True]
    if isinstance(value, list):
        return [mark for each in value for mark in marks_in(each, depth=depth + 1)]
    if not isinstance(value, dict):
        return []
    own = [value[MARK]] if MARK in value else []
    return own + [mark for name, each in value.items() if name != MARK for mark in marks_in(each, depth=depth + 1)]


@dataclass(frozen=True, slots=True)
class Without:
    """A record without the parts that are hidden from somebody; in the place of each stands why.

    ``assumed`` are the ways in which the child is known to be protected: where a record says where the child is, or
    with whom, and does not say whether that is protected, all of them count.
    """

    assumed: frozenset[Protection]
    hides: Hides

    def of(self, value: Json, *, depth: int = 0) -> Json:
        """Return what is left of a record."""
        if depth > _DEEPEST:
            return _hidden(Protection.UNKNOWN)
        if isinstance(value, list):
            return [self._part(each, frozenset(), depth) for each in value]
        if not isinstance(value, dict):
            return value
        return {name: self._member(name, each, depth) for name, each in value.items()}

    def _member(self, name: str, value: Json, depth: int) -> Json:
        if name == MARK:
            return value
        if name in _PEOPLE and isinstance(value, list):
            return [self._part(person, self.assumed & _HIDES_PEOPLE, depth) for person in value]
        return self._part(value, self.assumed if name in _PLACES | _PEOPLE else frozenset(), depth)

    def _part(self, value: Json, unmarked: frozenset[Protection], depth: int) -> Json:
        """Return one member, or why it is hidden. ``unmarked`` is how it is protected if it does not say."""
        if value is None or value == []:
            return value
        kinds = unmarked
        if isinstance(value, dict) and value.get(MARK) is not None:
            said = protection_said(value[MARK])
            kinds = frozenset() if said is None else frozenset({said})
        hidden = sorted(kind for kind in kinds if self.hides(kind))
        return _hidden(hidden[0]) if hidden else self.of(value, depth=depth + 1)


def _hidden(kind: Protection) -> Json:
    return {MARK: kind.value, "shown": False}


def _says_looked_after(value: Json, *, depth: int) -> bool:
    if depth > _DEEPEST:
        return True
    if isinstance(value, list):
        return any(_says_looked_after(each, depth=depth + 1) for each in value)
    if not isinstance(value, dict):
        return False
    held = value.get("looked_after_by")
    if isinstance(held, str) and held.strip() not in ("", NOT_APPLICABLE):
        return True
    return any(_says_looked_after(each, depth=depth + 1) for each in value.values())
