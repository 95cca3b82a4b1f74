"""How the operator's tools speak with the notifier: the messages and the client."""

import msgspec

from shared.identifiers import ChildRef, EntryId, ObligationId, Position, Recipient
from shared.process.remote import Remote


class NotificationQuery(msgspec.Struct, frozen=True):
    """Asks for notifications, of one child or one entry if given."""

    child: ChildRef | None = None
    entry: EntryId | None = None


class NotificationView(msgspec.Struct, frozen=True):
    """A notification as the notifier has it: how far it came, and by which road it arrived."""

    obligation: ObligationId
    entry: EntryId
    entry_type: str
    position: Position
    recipient: Recipient
    state: str
    due_at: str
    attempts: int
    queued: bool
    came_by: str
    topic: str | None
    partition: int | None
    offset: int | None


class AttemptView(msgspec.Struct, frozen=True):
    """One attempt to push. ``outcome`` None: it was begun, and what came of it is not known."""

    number: int
    endpoint: str
    outcome: str | None
    status: int | None


class AttemptsQuery(msgspec.Struct, frozen=True):
    """Asks for the attempts made for one obligation."""

    obligation: ObligationId


class NotifierClient:
    """Calls to the notifier's operator door. Every method raises an ExchangeError."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def close(self) -> None:
        """Close the connections."""
        await self._remote.close()

    async def notifications(self, query: NotificationQuery) -> list[NotificationView]:
        """Return notifications in position order."""
        return await self._remote.call("/notifications", query, list[NotificationView])

    async def attempts(self, obligation: ObligationId) -> list[AttemptView]:
        """Return the attempts made for one obligation, in order."""
        return await self._remote.call("/attempts", AttemptsQuery(obligation), list[AttemptView])

    async def counts(self) -> dict[str, int]:
        """Return how many notifications stand on each rung of the ladder."""
        return await self._remote.call("/counts", {}, dict[str, int])
