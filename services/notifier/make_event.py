"""Making the event that an endpoint is sent: from the entry in the ledger, and what its recipient is shown of it."""

from services.notifier.domain.cloud_event import event_bytes
from services.notifier.domain.notification import Notification
from services.notifier.open_content import ContentOpener, Told
from services.notifier.ports import Ledger
from shared.entries import parse_entry
from shared.errors import IntegrityFailure
from shared.ledger.registry import EndpointFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.vocabulary import WITHOUT_DETAIL


class EventMaker:
    """Makes events: the same bytes on every attempt, but for what is erased in between."""

    def __init__(self, *, ledger: Ledger, registry: RegistryCopy) -> None:
        self._ledger = ledger
        self._told = ContentOpener(ledger)
        self._registry = registry

    async def event(self, claimed: Notification, endpoint: EndpointFacts) -> bytes:
        """Return the bytes to push.

        Raises NotFound when what is to be told has been erased, Unavailable when the ledger does not answer, and
        IntegrityFailure when it holds something else than what it sent us.
        """
        leaf = await self._leaf(claimed)
        entry = parse_entry(leaf)
        obligation = next((owed for owed in entry.obligations if owed.id == claimed.obligation), None)
        if obligation is None:
            raise IntegrityFailure(f"the entry at position {claimed.position} does not owe this")
        # Who is told without detail gets the entry's clear part alone; nothing is opened for it.
        shown = obligation.reasons != (WITHOUT_DETAIL,)
        told = await self._told.by(entry, claimed, endpoint) if shown else Told(None)
        origin = self._registry.log_facts()[0]
        return event_bytes(entry, obligation, leaf=leaf, content=told.content, history=told.history, origin=origin)

    async def _leaf(self, claimed: Notification) -> bytes:
        page = await self._ledger.entries(after=claimed.position - 1, limit=1)
        if not page.entries or page.entries[0].position != claimed.position:
            raise IntegrityFailure(f"the ledger has no entry at position {claimed.position}")
        return page.entries[0].leaf
