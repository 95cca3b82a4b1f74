"""One member as the documents describe it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.canonical_json import Json
from shared.protection import Protection


@dataclass(frozen=True, slots=True)
class Member:
    """What a member says, an example of it, the words it knows if it is a code, and its format if it is a date or time.

    Words are advice to the sender: another word is kept as it came and answered with advice. ``closed``: it is refused.
    """

    says: str
    example: Json
    words: tuple[str, ...] = ()
    format: str | None = None
    closed: bool = False


PROTECTED = Member(
    "Why only who must find the child may see this; true if you do not know why; false: it is no secret. Whatever else "
    "is said here is taken as protected",
    Protection.REFUGE.value,
)
"""The mark that any object may bear; described where a place or a person is."""

Members = Mapping[str, Member]
"""The members of one kind of object, by name."""


def text(says: str, example: Json) -> Member:
    """Return a member that is free text, a number or an object."""
    return Member(says, example)


def code(says: str, example: Json, words: Iterable[str]) -> Member:
    """Return a member that is best one of a list."""
    return Member(says, example, tuple(sorted(words)))


def day(says: str, example: str) -> Member:
    """Return a member that is best a date."""
    return Member(says, example, format="date")


def time(says: str, example: str) -> Member:
    """Return a member that is best a time with its offset (RFC 3339)."""
    return Member(says, example, format="date-time")


def record_format(name: str) -> Member:
    """Return the member that names a record's format and version."""
    return code("The format and its version", name, [name])
