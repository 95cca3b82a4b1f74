"""What the ledger's doors lead to."""

from dataclasses import dataclass

from services.ledger.adapters.postgres_reader import PostgresReader
from services.ledger.adapters.postgres_reviews import PostgresReviews
from services.ledger.api.children import ChildrenApi
from services.ledger.as_recorded import AsPublished
from services.ledger.ask_who_knew import WhoKnewAnswerer
from services.ledger.break_glass import GlassBreaker
from services.ledger.check_own_keys import OwnKeyChecker
from services.ledger.domain.blind_index import BlindIndex
from services.ledger.open_section import SectionOpener
from services.ledger.open_signatures import SignatureOpener
from services.ledger.prepare_append import AppendPreparer
from services.ledger.reading.joined import ReadingParts
from services.ledger.request_queue import Queue
from services.ledger.rotate_encryption_key import EncryptionKeyRotation
from services.ledger.term import Writer
from shared.transparency.tile_source import TileSource


@dataclass(frozen=True, slots=True)
class LedgerParts:
    """What the doors lead to."""

    reader: PostgresReader
    reviews: PostgresReviews
    children: ChildrenApi
    preparer: AppendPreparer
    queue: Queue
    opener: SectionOpener
    breaker: GlassBreaker
    own_keys: OwnKeyChecker
    signatures: SignatureOpener
    writer: Writer
    rotation: EncryptionKeyRotation | None
    reading: ReadingParts
    blind_index: BlindIndex
    tiles: TileSource
    published: AsPublished
    who_knew: WhoKnewAnswerer
    may_recover: frozenset[str]
