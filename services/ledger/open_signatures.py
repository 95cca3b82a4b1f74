"""Opens the kept signatures of many entries for an audit: one opening on the record for the run, not one for each."""

import re

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.open_section import SectionOpener
from services.ledger.record_opening import Opening, OpeningRecorder
from shared.entries import parse_entry
from shared.errors import IntegrityFailure, InvalidInput, NotFound
from shared.identifiers import Position
from shared.ledger.audit_messages import OpenedSignature, OpenSignatures, SignaturesPage
from shared.ledger.messages import Idempotency, StoredEntry

SECTION = "signature"
LARGEST_PAGE = 500
_RUN = re.compile(r"[a-z0-9-]{8,64}\Z")


class SignatureOpener:
    """Opens signature sections, which say who signed what when, and nothing of the content but its digest."""

    def __init__(self, *, reader: PostgresReader, opener: SectionOpener, recorder: OpeningRecorder) -> None:
        self._reader = reader
        self._opener = opener
        self._recorder = recorder

    async def open(self, asked: OpenSignatures, *, caller: str) -> SignaturesPage:
        """Return a page of a run's signatures; that the run opens its range is durable before this returns.

        The run's later pages make no second entry. Raises InvalidInput for a range or run that cannot be, Conflict when
        the run was recorded with another range, Unavailable when it cannot be recorded: then nothing is shown.
        """
        if not _RUN.match(asked.run) or not 0 <= asked.first_position <= asked.last_position:
            raise InvalidInput("an audit run has a name of 8 to 64 letters, digits and hyphens, and a range")
        recorded = await self._recorder.record(_opening(asked, caller=caller))
        stored = await self._reader.with_section(
            SECTION,
            after=max(asked.after, asked.first_position - 1),
            last=asked.last_position,
            limit=max(1, min(asked.limit, LARGEST_PAGE)),
        )
        return SignaturesPage(tuple([await self._reveal(each) for each in stored]), recorded.position)

    async def _reveal(self, stored: StoredEntry) -> OpenedSignature:
        position = Position(stored.position)
        try:
            revealed = await self._opener.reveal(parse_entry(stored.leaf).id, SECTION)
        except NotFound:
            return OpenedSignature(position, None)
        except IntegrityFailure as error:
            return OpenedSignature(position, None, error.detail)
        return OpenedSignature(position, revealed.content)


def _opening(asked: OpenSignatures, *, caller: str) -> Opening:
    scope = f"{asked.first_position}-{asked.last_position}"
    return Opening(
        facts={
            "first_position": asked.first_position,
            "last_position": asked.last_position,
            "section": SECTION,
            "purpose": f"audit:{asked.run}",
            "caller": caller,
        },
        idempotency=Idempotency("service:ledger", f"audit:{asked.run}", f"{caller}:{scope}".encode()),
        of=None,
    )
