"""Another process of the exchange, as its callers see it: at one address or at several."""

from typing import Protocol, TypeVar

Reply = TypeVar("Reply")


class Peer(Protocol):
    """What a call can be made to. Safe for use by many tasks of one event loop at once."""

    @property
    def timeout_s(self) -> float:
        """How long one call may take, whatever becomes of it."""
        ...

    async def call(self, path: str, message: object, reply: type[Reply]) -> Reply:
        """Return the reply. Raises the ExchangeError that was answered, or Unavailable."""
        ...

    async def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        ...
