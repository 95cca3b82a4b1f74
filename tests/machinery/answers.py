"""What an answer says, in types that a test can compare."""

import msgspec

from client.exchange_client import Answer
from shared.identifiers import ChildRef


class Told(msgspec.Struct, frozen=True):
    """Whom an answer says was told."""

    obligation: str
    recipient: str
    reasons: list[str]
    urgency: str
    due_at: str


class _Code(msgspec.Struct, frozen=True):
    code: str


def told(answer: Answer) -> dict[str, Told]:
    """Return who was told, by recipient."""
    return {each.recipient: each for each in msgspec.convert(answer.content["told"], list[Told])}


def codes(answer: Answer, member: str = "advice") -> set[str]:
    """Return the codes of the advice or the challenges."""
    return {each.code for each in msgspec.convert(answer.content[member], list[_Code])}


def objects(answer: Answer, member: str) -> list[dict[str, object]]:
    """Return a member that is a list of objects."""
    return msgspec.convert(answer.content[member], list[dict[str, object]])


def child_ref(answer: Answer) -> ChildRef:
    """Return the reference of the child that a record is about."""
    return ChildRef(msgspec.convert(answer.content["child"], dict[str, str])["ref"])
