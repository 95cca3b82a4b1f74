"""What a chronology says, in types that a test can compare."""

import msgspec

from client.exchange_client import Answer, ExchangeClient


class Notified(msgspec.Struct, frozen=True):
    """One notification as shown."""

    recipient: str
    state: str


class Shown(msgspec.Struct, frozen=True):
    """One entry as shown."""

    id: str
    type: str
    position: int
    recorded_at: str
    agency: str | None
    about: list[str]
    codes: dict[str, object]
    notifications: list[Notified]
    content_is: str
    content: object


class Page(msgspec.Struct, frozen=True):
    """One page."""

    child: str
    as_at: str
    your_roles: list[str]
    responsible: str | None
    entries: list[Shown]
    next_after: int | None
    looked_at_position: int

    def of(self, entry_type: str) -> list[Shown]:
        """Return the entries of a type."""
        return [each for each in self.entries if each.type == entry_type]

    def ids(self) -> set[str]:
        """Return what is shown."""
        return {each.id for each in self.entries}


def entry_id(answer: Answer) -> str:
    """Return the id of what was recorded."""
    return str(answer.content["id"])


async def read_chronology(client: ExchangeClient, child: str, query: str = "") -> Page:
    """Return a page of a child's chronology."""
    answer = await client.get(f"/v1/children/{child}/chronology{query}")
    return msgspec.convert(answer.content, Page)
