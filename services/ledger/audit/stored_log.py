"""The ledger's stored bytes as an auditor reads them: one snapshot, streamed in position order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from services.ledger.adapters.no_connection import NO_CONNECTION, why_no_connection
from services.ledger.adapters.tables import REGISTRY_PREDICATE, STEWARDSHIP_PREDICATE
from shared.errors import Unavailable
from shared.vocabulary import EntryType

PREFETCH = 1000


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of the log with the keyed answer that was given for it, as stored."""

    position: int
    entry_id: str
    type: str
    leaf: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class StoredHead:
    """One signed tree head as stored."""

    previous_size: int
    size: int
    frontier: bytes
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class StoredSection:
    """One sealed section as stored; ``kek_id`` is what its data key is wrapped under, None if that was destroyed."""

    position: int
    name: str
    data_key_id: str
    content: bytes
    kek_id: str | None


@dataclass(frozen=True, slots=True)
class StoredAnswerRow:
    """One stored answer, with the leaf and the batch's checkpoint that complete it, None where these are missing.

    ``has_fingerprint`` is whether a repeat of its request could still be told from another request.
    """

    position: int
    body: bytes
    leaf: bytes | None
    checkpoint: bytes | None
    has_fingerprint: bool


@dataclass(frozen=True, slots=True)
class StoredChildEntry:
    """One row of a child's history."""

    ref: str
    version: int
    position: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredStep:
    """One step of an obligation on its ladder."""

    position: int
    obligation: str
    state: str
    owner: str | None
    recorded_at: str


class StoredLog:
    """Reads everything in one repeatable snapshot, so that a ledger that goes on writing cannot confuse a check."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def rows(self, *, start: int = 0) -> AsyncIterator[StoredRow]:
        """Yield the log from a position on, in order. The other streams start there too."""
        async for row in self._stream(
            "SELECT position, entry_id, type, leaf, leaf_hash FROM ledger.entry WHERE position >= $1 ORDER BY 1", start
        ):
            yield StoredRow(*row)

    async def heads(self, *, start: int = 0) -> AsyncIterator[StoredHead]:
        """Yield the tree heads by size."""
        async for row in self._stream(
            "SELECT previous_size, size, frontier, checkpoint FROM ledger.tree_head WHERE size > $1 ORDER BY size",
            start,
        ):
            yield StoredHead(*row)

    async def sections(self, *, start: int = 0) -> AsyncIterator[StoredSection]:
        """Yield the sealed sections in position order."""
        async for row in self._stream(
            "SELECT s.position, s.name, s.data_key_id, s.content, k.kek_id FROM ledger.sealed_section s"
            " LEFT JOIN ledger.data_key k ON k.key_id = s.data_key_id"
            " WHERE s.position >= $1 ORDER BY s.position, s.name",
            start,
        ):
            yield StoredSection(*row)

    async def erasing_leaves(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield position and leaf of every erasure, in position order."""
        async for row in self._stream(
            f"SELECT position, leaf FROM ledger.entry WHERE {STEWARDSHIP_PREDICATE}"  # noqa: S608
            f" AND type = '{EntryType.ERASURE_RECORDED}' ORDER BY position"
        ):
            yield row["position"], row["leaf"]

    async def stewardship_leaves(self, *, before: int) -> AsyncIterator[bytes]:
        """Yield the holds, proposals, approvals and erasures before a position, in order."""
        query = f"SELECT leaf FROM ledger.entry WHERE {STEWARDSHIP_PREDICATE} AND position < $1 ORDER BY position"  # noqa: S608
        async for row in self._stream(query, before):
            yield row["leaf"]

    async def left_of(self, child: str) -> bool:
        """Return whether a child's data key or any way of looking it up is still there."""
        row = await self._connection.fetchrow(
            "SELECT EXISTS (SELECT FROM ledger.data_key WHERE key_id = $1)"
            " OR EXISTS (SELECT FROM ledger.child_entry c JOIN ledger.child_identifier i ON i.position = c.position"
            "            WHERE c.ref = $1 AND i.ref = $1)",
            child,
        )
        return row is not None and bool(row[0])

    async def foreign_identifiers(self, *, start: int) -> AsyncIterator[int]:
        """Yield the position, from ``start`` on, beside every look-up hash of a child whom no entry there is about."""
        async for row in self._stream(
            "SELECT i.position FROM ledger.child_identifier i WHERE i.position >= $1 AND NOT EXISTS"
            " (SELECT FROM ledger.child_entry c WHERE c.position = i.position AND c.ref = i.ref)"
            " GROUP BY i.position ORDER BY i.position",
            start,
        ):
            yield row["position"]

    async def answers(self, *, start: int = 0) -> AsyncIterator[StoredAnswerRow]:
        """Yield the stored answers in position order."""
        async for row in self._stream(
            "SELECT a.position, a.body, e.leaf, h.checkpoint, a.fingerprint <> '' FROM ledger.answer a"
            " LEFT JOIN ledger.entry e ON e.position = a.position"
            " LEFT JOIN LATERAL (SELECT t.checkpoint FROM ledger.tree_head t WHERE t.size > a.position"
            " ORDER BY t.size LIMIT 1) AS h ON true WHERE a.position >= $1 ORDER BY a.position",
            start,
        ):
            yield StoredAnswerRow(*row)

    async def child_entries(self, *, start: int = 0) -> AsyncIterator[StoredChildEntry]:
        """Yield the per-child index in position order."""
        async for row in self._stream(
            "SELECT ref, version, position, roles FROM ledger.child_entry WHERE position >= $1 ORDER BY position, ref",
            start,
        ):
            yield StoredChildEntry(row["ref"], row["version"], row["position"], tuple(row["roles"]))

    async def obligations(self, *, start: int = 0) -> AsyncIterator[tuple[int, str, str]]:
        """Yield position, id and recipient of every obligation, in position order."""
        async for row in self._stream(
            "SELECT position, obligation_id, recipient FROM ledger.obligation WHERE position >= $1 ORDER BY 1, 2", start
        ):
            yield row["position"], row["obligation_id"], row["recipient"]

    async def steps(self, *, start: int = 0) -> AsyncIterator[StoredStep]:
        """Yield every step in position order."""
        async for row in self._stream(
            "SELECT position, obligation_id, state, owner, recorded_at FROM ledger.obligation_step"
            " WHERE position >= $1 ORDER BY 1, 2",
            start,
        ):
            yield StoredStep(*row)

    async def repeated_ids(self, *, start: int) -> AsyncIterator[int]:
        """Yield the position of every entry from ``start`` on whose id an earlier entry has."""
        async for row in self._stream(
            "SELECT position FROM (SELECT position, row_number() OVER (PARTITION BY entry_id ORDER BY position) AS nth"
            " FROM ledger.entry) AS numbered WHERE nth > 1 AND position >= $1 ORDER BY position",
            start,
        ):
            yield row["position"]

    async def reused_nonces(self, *, start: int) -> AsyncIterator[int]:
        """Yield the position of every entry from ``start`` on that used a nonce which an earlier one had used."""
        async for row in self._stream(
            "SELECT position FROM (SELECT position, row_number() OVER (PARTITION BY nonce_token ORDER BY position)"
            " AS nth FROM ledger.answer WHERE nonce_token IS NOT NULL) AS numbered WHERE nth > 1 AND position >= $1"
            " ORDER BY position",
            start,
        ):
            yield row["position"]

    async def registry_leaves(self, *, before: int) -> AsyncIterator[bytes]:
        """Yield the registry's entries before a position, in order."""
        query = f"SELECT leaf FROM ledger.entry WHERE {REGISTRY_PREDICATE} AND position < $1 ORDER BY position"  # noqa: S608
        async for row in self._stream(query, before):
            yield row["leaf"]

    async def last_versions(self, *, before: int) -> AsyncIterator[tuple[str, int]]:
        """Yield, for each child of whom anything was recorded from a position on, its last version before it."""
        async for row in self._stream(
            "SELECT c.ref, max(c.version) AS version FROM ledger.child_entry c"
            " WHERE c.position < $1 AND c.ref IN (SELECT ref FROM ledger.child_entry WHERE position >= $1)"
            " GROUP BY c.ref",
            before,
        ):
            yield row["ref"], row["version"]

    async def _stream(self, query: str, *arguments: object) -> AsyncIterator[asyncpg.Record]:
        try:
            async for row in self._connection.cursor(query, *arguments, prefetch=PREFETCH):
                yield row
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("the ledger's database does not answer") from error


@asynccontextmanager
async def open_stored_log(dsn: str, *, user: str, password: str) -> AsyncIterator[StoredLog]:
    """Connect as an auditor and hold one read-only snapshot open.

    Raises Unavailable when the database does not answer, InvalidInput when it refuses the role or the URL is none.
    """
    try:
        connection = await asyncpg.connect(dsn, user=user, password=password)
    except NO_CONNECTION as error:
        raise why_no_connection(error) from error
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield StoredLog(connection)
    finally:
        await connection.close()
