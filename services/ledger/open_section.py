"""Opens sealed content, once it is on the record that it is opened: by whom, what for, and what (G12)."""

from collections.abc import Callable
from dataclasses import dataclass

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.append_entries import Queue
from services.ledger.domain.sealing import SALT_BYTES, unseal_salted
from services.ledger.prepare_append import AppendPreparer, Secrets
from shared.entries import Entry
from shared.errors import IntegrityFailure, NotFound
from shared.identifiers import EntryId
from shared.ledger.messages import (
    Answer,
    AppendRequest,
    Idempotency,
    NamedChild,
    OpenedSection,
    OpenSection,
)
from shared.vocabulary import EntryType


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
        preparer: AppendPreparer,
        queue: Queue,
        secrets: Secrets,
        random: Callable[[int], bytes],
    ) -> None:
        self._reader = reader
        self._preparer = preparer
        self._queue = queue
        self._secrets = secrets
        self._random = random

    async def open(self, asked: OpenSection, *, caller: str) -> OpenedSection:
        """Return a section's plaintext; the opening is durable in the ledger before this returns.

        Opening again for the same purpose makes no second entry. Raises NotFound when the section never was or has
        been erased, Unavailable when its key cannot be had now or the opening not be recorded: then nothing is shown.
        """
        revealed = await self.reveal(asked.entry_id, asked.section)
        facts: dict[str, object] = {
            "section": asked.section,
            "purpose": asked.purpose,
            "recipient": asked.recipient,
            "caller": caller,
        }
        subjects = revealed.entry.subjects
        opening = AppendRequest(
            entry_id=EntryId(self._random(16).hex()),
            type=EntryType.CONTENT_OPENED,
            idempotency=Idempotency(
                "service:ledger",
                f"opened:{asked.entry_id}:{asked.section}:{asked.purpose}",
                f"{caller}:{asked.recipient}".encode(),
            ),
            answer=Answer(201, {}),
            child=NamedChild(subjects[0].ref, None) if subjects else None,
            facts=facts,
            causes=(asked.entry_id,),
        )
        recorded = await self._queue.submit(await self._preparer.prepare(opening))
        return OpenedSection(revealed.content, recorded.position)

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
