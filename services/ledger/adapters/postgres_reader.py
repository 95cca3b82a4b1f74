"""Reading the ledger from Postgres: entries, children, obligations, sealed bytes, and the nonces of reads."""

from dataclasses import dataclass
from typing import cast

import asyncpg

from services.ledger.adapters.obligation_rows import obligation_state
from services.ledger.adapters.tables import (
    AUDIT_PREDICATE,
    FOLLOWING_PREDICATE,
    REGISTRY_PREDICATE,
    STEWARDSHIP_PREDICATE,
)
from services.ledger.domain.receipts import whole_answer
from services.ledger.domain.sealing import WrappedKey
from services.ledger.ports import HashedEntry
from shared.entries import Entry, parse_entry
from shared.errors import NotFound, Unavailable
from shared.identifiers import ChildRef, EntryId, ObligationId, Position, entry_of
from shared.ledger.messages import ObligationState, OwedPage, OwedQuery, StoredEntry
from shared.ledger.registry import Registry
from shared.vocabulary import EntryType

LARGEST_PAGE = 1000

_ENTRIES = "SELECT position, leaf FROM ledger.entry WHERE position > $1 ORDER BY position LIMIT $2"
_REGISTRY_ENTRIES = (
    f"SELECT position, leaf FROM ledger.entry WHERE {REGISTRY_PREDICATE} AND position > $1 ORDER BY position LIMIT $2"  # noqa: S608
)
_STEWARDSHIP_ENTRIES = (
    f"SELECT position, leaf FROM ledger.entry WHERE {STEWARDSHIP_PREDICATE} AND position > $1"  # noqa: S608
    " ORDER BY position LIMIT $2"
)

_ABOUT_CHILD = """
SELECT position, leaf, leaf_hash FROM ledger.entry
 WHERE position IN (SELECT position FROM ledger.child_entry WHERE ref = $1) ORDER BY position
"""

_CHILD_ENTRIES = f"""
SELECT position, leaf, leaf_hash FROM ledger.entry
 WHERE position IN (SELECT position FROM ledger.child_entry WHERE ref = $1)
    OR {AUDIT_PREDICATE}
 ORDER BY position
"""  # noqa: S608

_CHECKPOINT_OF_NEWEST_LOG_KEY = f"""
SELECT checkpoint FROM ledger.tree_head
 WHERE size > (SELECT max(position) FROM ledger.entry WHERE {REGISTRY_PREDICATE} AND type = '{EntryType.LOG_KEY_ADDED}')
 ORDER BY size LIMIT 1
"""  # noqa: S608

# A leaf is canonical JSON: an entry about no child says so in these very bytes. The few entries that may follow from
# one are found by their own index, and are held against their causes by whoever asked.
_ABOUT_NO_CHILD = f"""
SELECT position, leaf, leaf_hash FROM ledger.entry
 WHERE {FOLLOWING_PREDICATE} AND position > $1 AND position('"subjects":[]'::bytea IN leaf) > 0
 ORDER BY position
"""  # noqa: S608

_IDENTIFIED_BY = (
    "SELECT ref FROM ledger.child_identifier WHERE identifying AND token = ANY($1::bytea[]) ORDER BY position LIMIT 1"
)

_ANSWER = """
SELECT a.body, e.leaf, h.checkpoint
  FROM ledger.answer a
  JOIN ledger.entry e ON e.position = a.position
  CROSS JOIN LATERAL
       (SELECT t.checkpoint FROM ledger.tree_head t WHERE t.size > a.position ORDER BY t.size LIMIT 1) AS h
 WHERE a.position = $1
"""

_OBLIGATIONS = """
SELECT o.obligation_id, o.position, e.leaf,
       array_agg(s.state ORDER BY s.position) FILTER (WHERE s.state IS NOT NULL) AS states,
       array_agg(s.recorded_at ORDER BY s.position) FILTER (WHERE s.state IS NOT NULL) AS times,
       array_agg(s.owner ORDER BY s.position) FILTER (WHERE s.state IS NOT NULL) AS owners,
       (SELECT d.leaf FROM ledger.obligation_step q JOIN ledger.entry d ON d.position = q.position
         WHERE q.obligation_id = o.obligation_id AND q.state = 'decided' ORDER BY q.position DESC LIMIT 1) AS decision
  FROM ledger.obligation o
  JOIN ledger.entry e ON e.position = o.position
  LEFT JOIN ledger.obligation_step s ON s.obligation_id = o.obligation_id
 WHERE {condition}
 GROUP BY o.obligation_id, o.position, e.leaf
 ORDER BY o.position, o.obligation_id
 LIMIT $1
"""

_UNSETTLED = """
NOT EXISTS (SELECT 1 FROM ledger.obligation_step d WHERE d.obligation_id = o.obligation_id
                     AND d.state IN ('received', 'owned', 'decided'))
"""
_NOT_DECIDED = """
NOT EXISTS (SELECT 1 FROM ledger.obligation_step d WHERE d.obligation_id = o.obligation_id AND d.state = 'decided')
"""
_IN_QUEUE = f"""
(o.recipient LIKE 'queue:%' AND {_NOT_DECIDED} OR {_UNSETTLED} AND EXISTS
   (SELECT 1 FROM ledger.obligation_step q WHERE q.obligation_id = o.obligation_id AND q.state = 'queued'))
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A sealed section as stored; ``wrapped`` is None when its key has been destroyed."""

    entry: Entry
    content: bytes
    data_key_id: str
    wrapped: WrappedKey | None


class PostgresReader:
    """Reads over a pool of connections. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def entries(self, *, after: int, limit: int, registry_only: bool) -> tuple[StoredEntry, ...]:
        """Return stored entries after a position, in order."""
        query = _REGISTRY_ENTRIES if registry_only else _ENTRIES
        rows = await self._fetch(query, after, limit)
        return tuple(StoredEntry(Position(row["position"]), row["leaf"]) for row in rows)

    async def child_entries(self, ref: ChildRef) -> tuple[HashedEntry, ...]:
        """Return every entry about a child, in order, with the hash that stands beside each."""
        rows = await self._fetch(_ABOUT_CHILD, ref)
        return tuple(HashedEntry(Position(row[0]), row[1], row[2]) for row in rows)

    async def knows_child(self, ref: ChildRef) -> bool:
        """Return whether anything was ever recorded about a child, erased or not."""
        rows = await self._fetch("SELECT 1 FROM ledger.child_entry WHERE ref = $1 LIMIT 1", ref)
        return bool(rows)

    async def hashed_child_entries(self, ref: ChildRef) -> tuple[HashedEntry, ...]:
        """Return every entry about a child and every opening of a range of entries, in order, with their hashes."""
        return tuple(HashedEntry(Position(row[0]), row[1], row[2]) for row in await self._fetch(_CHILD_ENTRIES, ref))

    async def following_about_no_child(self, *, after: Position) -> tuple[HashedEntry, ...]:
        """Return every entry after a position that may follow from a record about no child, in order."""
        return tuple(HashedEntry(Position(row[0]), row[1], row[2]) for row in await self._fetch(_ABOUT_NO_CHILD, after))

    async def registry(self) -> Registry:
        """Return the registry as the committed entries make it."""
        registry, after = Registry(), -1
        while page := await self.entries(after=after, limit=500, registry_only=True):
            registry = registry.with_entries(parse_entry(stored.leaf) for stored in page)
            after = page[-1].position
        return registry

    async def stewardship_entries(self, *, after: int, limit: int) -> tuple[StoredEntry, ...]:
        """Return stored entries about holds, erasures and retention after a position, in order."""
        rows = await self._fetch(_STEWARDSHIP_ENTRIES, after, limit)
        return tuple(StoredEntry(Position(row["position"]), row["leaf"]) for row in rows)

    async def wrapped_key(self, key_id: str) -> WrappedKey | None:
        """Return the wrapped data key of that id, or None."""
        rows = await self._fetch("SELECT kek_id, wrapped FROM ledger.data_key WHERE key_id = $1", key_id)
        return WrappedKey(rows[0]["kek_id"], rows[0]["wrapped"]) if rows else None

    async def identified_by(self, tokens: tuple[bytes, ...]) -> ChildRef | None:
        """Return whom one of these tokens identifies, of two the one known longer; one query, whoever is known."""
        rows = await self._fetch(_IDENTIFIED_BY, list(tokens))
        return ChildRef(rows[0]["ref"]) if rows else None

    async def entry(self, entry_id: EntryId) -> HashedEntry:
        """Return an entry by id. Raises NotFound."""
        rows = await self._fetch("SELECT position, leaf, leaf_hash FROM ledger.entry WHERE entry_id = $1", entry_id)
        if not rows:
            raise NotFound("there is no entry of that id")
        return HashedEntry(Position(rows[0]["position"]), rows[0]["leaf"], rows[0]["leaf_hash"])

    async def answer(self, position: Position) -> bytes:
        """Return the original answer given for the entry at a position; empty when it had none."""
        rows = await self._fetch(_ANSWER, position)
        return whole_answer(rows[0]["body"], leaf=rows[0]["leaf"], checkpoint=rows[0]["checkpoint"]) if rows else b""

    async def obligations_of(self, position: Position) -> tuple[ObligationState, ...]:
        """Return everything owed because of one entry."""
        return await self._obligations("o.position = $2", 1000, position)

    async def obligation(self, obligation_id: ObligationId) -> ObligationState:
        """Return one obligation. Raises NotFound."""
        entry_id = entry_of(obligation_id)
        found = await self._obligations(
            "o.obligation_id = $2 AND o.position = (SELECT position FROM ledger.entry WHERE entry_id = $3)",
            1,
            obligation_id,
            entry_id,
        )
        if not found:
            raise NotFound("there is no notification of that id")
        return found[0]

    async def owed(self, query: OwedQuery) -> OwedPage:
        """Return obligations not yet received (G5): obligations minus received, at this moment."""
        return await self._page(_UNSETTLED, query)

    async def queue(self, query: OwedQuery) -> OwedPage:
        """Return what stands in the human queues."""
        return await self._page(_IN_QUEUE, query)

    async def sealed(self, entry_id: EntryId, section: str) -> SealedRow:
        """Return a sealed section with its entry. Raises NotFound when it never was or has been erased."""
        rows = await self._fetch(
            "SELECT e.leaf, s.content, s.data_key_id, k.kek_id, k.wrapped FROM ledger.entry e"
            " JOIN ledger.sealed_section s ON s.position = e.position AND s.name = $2"
            " LEFT JOIN ledger.data_key k ON k.key_id = s.data_key_id WHERE e.entry_id = $1",
            entry_id,
            section,
        )
        if not rows:
            raise NotFound("there is no such sealed section, or it has been erased")
        row = rows[0]
        wrapped = WrappedKey(row["kek_id"], row["wrapped"]) if row["wrapped"] is not None else None
        return SealedRow(parse_entry(row["leaf"]), row["content"], row["data_key_id"], wrapped)

    async def with_section(self, section: str, *, after: int, last: int, limit: int) -> tuple[StoredEntry, ...]:
        """Return entries after a position, up to a last one, that have a sealed section of that name."""
        rows = await self._fetch(
            "SELECT e.position, e.leaf FROM ledger.sealed_section s JOIN ledger.entry e ON e.position = s.position"
            " WHERE s.name = $1 AND s.position > $2 AND s.position <= $3 ORDER BY s.position LIMIT $4",
            section,
            after,
            last,
            limit,
        )
        return tuple(StoredEntry(Position(row["position"]), row["leaf"]) for row in rows)

    async def use_nonce(self, token: bytes) -> bool:
        """Use up the nonce of a request that changes nothing; False when it was used before. Atomic and durable."""
        rows = await self._fetch(
            "INSERT INTO ledger.used_nonce (token) VALUES ($1) ON CONFLICT DO NOTHING RETURNING token", token
        )
        return bool(rows)

    async def checkpoint_at(self, size: int) -> bytes | None:
        """Return the checkpoint of a tree head of exactly that size, or None."""
        rows = await self._fetch("SELECT checkpoint FROM ledger.tree_head WHERE size = $1", size)
        return cast(bytes, rows[0]["checkpoint"]) if rows else None

    async def checkpoint_of_newest_log_key(self) -> bytes | None:
        """Return the first checkpoint that covers the latest ``log_key.added``: every key in use then signed it."""
        rows = await self._fetch(_CHECKPOINT_OF_NEWEST_LOG_KEY)
        return cast(bytes, rows[0]["checkpoint"]) if rows else None

    async def _page(self, condition: str, query: OwedQuery) -> OwedPage:
        recipient = "" if query.recipient is None else query.recipient
        narrowed = f"{condition} AND o.position > $2 AND ($3 = '' OR o.recipient = $3)"
        limit = max(1, min(query.limit, LARGEST_PAGE))
        page = await self._obligations(narrowed, limit, query.after, recipient)
        counted = await self._fetch(
            f"SELECT count(*) AS n FROM ledger.obligation o WHERE {condition} AND ($1 = '' OR o.recipient = $1)",  # noqa: S608
            recipient,
        )
        return OwedPage(page, counted[0]["n"])

    async def _obligations(self, condition: str, limit: int, *arguments: object) -> tuple[ObligationState, ...]:
        rows = await self._fetch(_OBLIGATIONS.format(condition=condition), limit, *arguments)
        return tuple(obligation_state(row) for row in rows)

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        try:
            return await self._pool.fetch(query, *arguments)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("the ledger's database does not answer") from error
