"""What the notifier's use cases need from outside, each with its guarantees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.identifiers import EntryId, ObligationId
from shared.ledger.messages import (
    Appended,
    AppendRequest,
    EntriesPage,
    OpenedSection,
    OpenSection,
    TreeHead,
)
from shared.ledger.record_history import RecordHistory
from shared.ledger.registry import EndpointFacts


class Ledger(Protocol):
    """The ledger as the notifier may use it; ``shared.ledger.client.LedgerClient`` says what each call guarantees."""

    async def append(self, request: AppendRequest) -> Appended:
        """Append an entry; durable when this returns."""
        ...

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        """Return entries after a position."""
        ...

    async def record_history(self, entry_id: EntryId) -> RecordHistory:
        """Return what followed from a record."""
        ...

    async def open_section(self, request: OpenSection) -> OpenedSection:
        """Open one sealed section, on the record."""
        ...

    async def tree_head(self) -> TreeHead:
        """Return the latest checkpoint."""
        ...


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What came of one attempt. ``outcome`` is a code: ``received``, ``delivered``, or why not.

    ``evidence`` is the recipient's signature over its answer and our request, when it was ``received``.
    """

    outcome: str
    status: int | None = None
    evidence: bytes | None = None


class Push(Protocol):
    """Sends one event to one endpoint."""

    async def send(
        self, endpoint: EndpointFacts, *, obligation: ObligationId, body: bytes, headers: Mapping[str, str]
    ) -> PushOutcome:
        """Return what came of it. Never raises because of anything the other side does."""
        ...


RECEIVED = "received"
DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Road:
    """By which road an entry came: Kafka with its topic, partition and offset, or by reconciling with the ledger."""

    came_by: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


RECONCILED = Road("reconciled")
