"""Opens sealed content, once it is on the record that it is opened: by whom, what for, and what (G12)."""

from dataclasses import dataclass

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.domain.callers import check_opening
from services.ledger.domain.sealing import SALT_BYTES, unseal_salted
from services.ledger.prepare_append import Secrets
from services.ledger.reading.sight_of_told import SightOfTold
from services.ledger.record_opening import Opening, OpeningRecorder
from shared.entries import Entry
from shared.errors import IntegrityFailure, NotFound
from shared.identifiers import EntryId
from shared.ledger.messages import Idempotency, OpenedSection, OpenSection


@dataclass(frozen=True, slots=True)
class Revealed:
    """A section in plain, with its entry and the salt of its commitment."""

    entry: Entry
    salt: bytes
    content: bytes


class SectionOpener:
    """Opens sections for callers that may see them."""

    def __init__(
        self,
        *,
        reader: PostgresReader,
        recorder: OpeningRecorder,
        secrets: Secrets,
        sight: SightOfTold,
    ) -> None:
        self._reader = reader
        self._sight = sight
        self._recorder = recorder
        self._secrets = secrets

    async def open(self, asked: OpenSection, *, caller: str) -> OpenedSection:
        """Return what a recipient may see of a section; the opening is durable in the ledger before this returns.

        Opening again for the same purpose makes no second entry. Raises NotFound when the section never was or has
        been erased, CallerNotPermitted when this caller may not see it, Unavailable when its key cannot be had now or
        the opening not be recorded: then nothing is shown.
        """
        revealed = await self.reveal(asked.entry_id, asked.section)
        check_opening(revealed.entry, asked.section, caller=caller)
        sight = await self._sight.judge(asked)
        opening = Opening(
            facts={
                "section": asked.section,
                "purpose": asked.purpose,
                "recipient": asked.recipient,
                "caller": caller,
            },
            idempotency=Idempotency(
                "service:ledger",
                f"opened:{asked.entry_id}:{asked.section}:{asked.purpose}",
                f"{caller}:{asked.recipient}".encode(),
            ),
            of=revealed.entry,
        )
        recorded = await self._recorder.record(opening)
        return OpenedSection(sight.of(revealed.content), recorded.position)

    async def reveal(self, entry_id: EntryId, section: str) -> Revealed:
        """Return a section in plain, for a caller that puts the opening on the record before it shows anything.

        Raises NotFound when the section never was or has been erased.
        """
        sealed = await self._reader.sealed(entry_id, section)
        if sealed.wrapped is None:
            raise NotFound("what was sealed here has been erased")
        commitment = sealed.entry.commitments.get(section)
        if commitment is None:
            raise IntegrityFailure(f"the entry at position {sealed.entry.position} commits to no such section")
        key = await self._secrets.key_ring.unwrap(sealed.wrapped, key_id=sealed.data_key_id)
        salted = unseal_salted(sealed.content, entry_id=entry_id, section=section, key=key.plain, commitment=commitment)
        return Revealed(sealed.entry, salted[:SALT_BYTES], salted[SALT_BYTES:])
