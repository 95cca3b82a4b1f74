"""What a bundle is made from: the ledger's database, or the files that the log has published."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from services.ledger.audit.damage import damaged
from services.ledger.audit.read_tiles import leaf_paths, read_ahead
from services.ledger.audit.stored_log import StoredSection
from services.ledger.ports import HashedEntry
from shared.entries import Entry
from shared.errors import InvalidInput
from shared.identifiers import Position
from shared.ledger.facts import read_facts
from shared.ledger.service_keys import RetiredLogKeyFacts
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.merkle import HASH_BYTES
from shared.transparency.tile_source import TileSource
from shared.transparency.tiles import parse_bundle
from shared.vocabulary import EntryType


class HashedLeaf(Protocol):
    """An entry's bytes, and the hash that stands beside them."""

    @property
    def position(self) -> int:
        """Where it stands."""
        ...

    @property
    def leaf(self) -> bytes:
        """The bytes that are hashed."""
        ...

    @property
    def leaf_hash(self) -> bytes:
        """What they were recorded to hash to."""
        ...


class SignedHead(Protocol):
    """A checkpoint that the log has signed, and the size it says."""

    @property
    def size(self) -> int:
        """How many entries it is of."""
        ...

    @property
    def checkpoint(self) -> bytes:
        """The note, with its signatures."""
        ...


class ExportedLog(Protocol):
    """A log that does not change while it is exported. Each stream is in position order and may be read again."""

    def rows(self) -> AsyncIterator[HashedLeaf]:
        """Yield the entries."""
        ...

    def heads(self) -> AsyncIterator[SignedHead]:
        """Yield the signed checkpoints that are to be had, by size; the last one is what is exported."""
        ...

    def sections(self) -> AsyncIterator[StoredSection]:
        """Yield the sealed sections that are to be had."""
        ...


@dataclass(frozen=True, slots=True)
class PublishedHead:
    """The checkpoint that a log has published."""

    size: int
    checkpoint: bytes


class PublishedLog:
    """Implements ExportedLog by a log's static files: the checkpoint published last, and nothing that is sealed.

    ``older`` are checkpoints that lead from a key of the log to the next, by size.
    """

    def __init__(self, source: TileSource, head: PublishedHead, *, older: Sequence[PublishedHead]) -> None:
        self._source = source
        self._head = head
        self._older = older

    async def rows(self) -> AsyncIterator[HashedLeaf]:
        """Yield the entries up to the checkpoint. Raises IntegrityFailure for files that do not fit one another."""
        position = 0
        async with aclosing(read_ahead(self._source, leaf_paths(self._head.size))) as files:
            async for bundle in files:
                hashes = await anext(files)
                leaves = _leaves(bundle, position)
                if len(hashes) != len(leaves) * HASH_BYTES:
                    raise damaged(f"the published hashes from entry {position} on are not as many as the entries")
                for at, leaf in enumerate(leaves):
                    yield HashedEntry(Position(position + at), leaf, hashes[at * HASH_BYTES :][:HASH_BYTES])
                position += len(leaves)

    async def heads(self) -> AsyncIterator[SignedHead]:
        """Yield what leads from key to key, and last the published checkpoint."""
        for head in (*self._older, self._head):
            yield head

    async def sections(self) -> AsyncIterator[StoredSection]:
        """Yield nothing."""
        none: tuple[StoredSection, ...] = ()
        for section in none:
            yield section


async def published_log(source: TileSource, *, registered: Iterable[Entry] = ()) -> PublishedLog:
    """Return a log as it is published now, unverified.

    Files hold one checkpoint: those that lead to its key from the keys before stand in the entries by which these were
    given up, which are among ``registered``. Raises NotFound when nothing is published, and what a read raises.
    """
    head = _head(await source.read("checkpoint"))
    older = {each.size: each for each in _leading(registered) if each.size < head.size}
    return PublishedLog(source, head, older=[older[size] for size in sorted(older)])


def _leading(registered: Iterable[Entry]) -> Iterator[PublishedHead]:
    for entry in registered:
        if entry.type is EntryType.LOG_KEY_RETIRED:
            note = read_facts(entry, RetiredLogKeyFacts).vouched_by
            if note is not None:
                yield _head(note.encode("utf-8"))


def _head(note: bytes) -> PublishedHead:
    return PublishedHead(read_unverified_checkpoint(note).size, note)


def _leaves(bundle: bytes, position: int) -> list[bytes]:
    try:
        return parse_bundle(bundle)
    except InvalidInput as error:
        raise damaged(f"the published entries from {position} on are cut short") from error
