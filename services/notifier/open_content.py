"""Opening what a notification tells, through the ledger, which records every opening (G12)."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.notifier.domain.content import BODY, Before, Shown, shown
from services.notifier.domain.notification import Notification
from services.notifier.ports import Ledger
from shared.entries import Entry, parse_entry
from shared.entry_types import AMENDMENT_TYPES
from shared.errors import NotFound
from shared.identifiers import EntryId
from shared.ledger.messages import OpenSection
from shared.ledger.registry import EndpointFacts


@dataclass(frozen=True, slots=True)
class Told:
    """What a notification tells: the record as its sender signed it, and what was recorded of it before."""

    content: bytes | None
    history: Sequence[Before] = ()


class ContentOpener:
    """Opens content for one recipient's endpoint at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def by(self, entry: Entry, claimed: Notification, endpoint: EndpointFacts) -> Told:
        """Return what an entry tells its recipient: the same on every attempt, but for what is erased in between.

        Raises NotFound when what is to be told has been erased.
        """
        match shown(entry, claimed.recipient):
            case Shown.OWN:
                return Told(await self._open(entry.id, claimed, endpoint))
            case Shown.OWN_AND_BEFORE:
                _, before = await self._before(entry, claimed, endpoint)
                return Told(await self._open(entry.id, claimed, endpoint), before)
            case Shown.RECORD_BEHIND:
                # The record itself is the content here, and what was said of it since is its history.
                record, before = await self._before(entry, claimed, endpoint)
                return Told(await self._open(record, claimed, endpoint), before[1:])
            case _:
                return Told(None)

    async def _before(
        self, entry: Entry, claimed: Notification, endpoint: EndpointFacts
    ) -> tuple[EntryId, list[Before]]:
        """Return the record behind an entry, and it with all its amendments that came before the entry."""
        history = await self._ledger.record_history(entry.id)
        record, *later = (parse_entry(each.leaf) for each in (history.record, *history.later))
        earlier = [each for each in later if each.type in AMENDMENT_TYPES and each.position < entry.position]
        before = [Before(each, await self._if_there(each.id, claimed, endpoint)) for each in (record, *earlier)]
        return record.id, before

    async def _if_there(self, source: EntryId, claimed: Notification, endpoint: EndpointFacts) -> bytes | None:
        try:
            return await self._open(source, claimed, endpoint)
        except NotFound:
            return None

    async def _open(self, source: EntryId, claimed: Notification, endpoint: EndpointFacts) -> bytes:
        opened = await self._ledger.open_section(
            OpenSection(
                entry_id=source,
                section=BODY,
                purpose=f"deliver:{claimed.obligation}:{endpoint.endpoint}",
                recipient=claimed.recipient,
                obligation=claimed.obligation,
            )
        )
        return opened.content
