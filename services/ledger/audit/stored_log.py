"""The ledger's stored bytes as an auditor reads them: one snapshot, streamed in position order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from shared.errors import Unavailable

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
    """One sealed section as stored; ``key_lives`` is whether its data key has not been destroyed."""

    position: int
    name: str
    data_key_id: str
    content: bytes
    key_lives: bool


@dataclass(frozen=True, slots=True)
class StoredAnswerRow:
    """One stored answer, with the leaf and the batch's checkpoint that complete it, None where these are missing."""

    position: int
    body: bytes
    leaf: bytes | None
    checkpoint: bytes | None


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

    async def rows(self) -> AsyncIterator[StoredRow]:
        """Yield the log in position order."""
        async for row in self._stream("SELECT position, entry_id, type, leaf, leaf_hash FROM ledger.entry ORDER BY 1"):
            yield StoredRow(*row)

    async def heads(self) -> AsyncIterator[StoredHead]:
        """Yield the tree heads by size."""
        async for row in self._stream(
            "SELECT previous_size, size, frontier, checkpoint FROM ledger.tree_head ORDER BY size"
        ):
            yield StoredHead(*row)

    async def sections(self) -> AsyncIterator[StoredSection]:
        """Yield the sealed sections in position order."""
        async for row in self._stream(
            "SELECT s.position, s.name, s.data_key_id, s.content, k.key_id IS NOT NULL FROM ledger.sealed_section s"
            " LEFT JOIN ledger.data_key k ON k.key_id = s.data_key_id ORDER BY s.position, s.name"
        ):
            yield StoredSection(*row)

    async def answers(self) -> AsyncIterator[StoredAnswerRow]:
        """Yield the stored answers in position order."""
        async for row in self._stream(
            "SELECT a.position, a.body, e.leaf, h.checkpoint FROM ledger.answer a"
            " LEFT JOIN ledger.entry e ON e.position = a.position"
            " LEFT JOIN LATERAL (SELECT t.checkpoint FROM ledger.tree_head t WHERE t.size > a.position"
            " ORDER BY t.size LIMIT 1) AS h ON true ORDER BY a.position"
        ):
            yield StoredAnswerRow(*row)

    async def child_entries(self) -> AsyncIterator[StoredChildEntry]:
        """Yield the per-child index in position order."""
        async for row in self._stream(
            "SELECT ref, version, position, roles FROM ledger.child_entry ORDER BY position, ref"
        ):
            yield StoredChildEntry(row["ref"], row["version"], row["position"], tuple(row["roles"]))

    async def obligations(self) -> AsyncIterator[tuple[int, str, str]]:
        """Yield position, id and recipient of every obligation, in position order."""
        async for row in self._stream(
            "SELECT position, obligation_id, recipient FROM ledger.obligation ORDER BY position, obligation_id"
        ):
            yield row["position"], row["obligation_id"], row["recipient"]

    async def steps(self) -> AsyncIterator[StoredStep]:
        """Yield every step in position order."""
        async for row in self._stream(
            "SELECT position, obligation_id, state, owner, recorded_at FROM ledger.obligation_step"
            " ORDER BY position, obligation_id"
        ):
            yield StoredStep(*row)

    async def repeated_ids(self) -> AsyncIterator[int]:
        """Yield the position of every entry whose id an earlier entry has."""
        async for row in self._stream(
            "SELECT position FROM (SELECT position, row_number() OVER (PARTITION BY entry_id ORDER BY position) AS nth"
            " FROM ledger.entry) AS numbered WHERE nth > 1 ORDER BY position"
        ):
            yield row["position"]

    async def reused_nonces(self) -> AsyncIterator[int]:
        """Yield the position of every entry that was answered for a nonce which another request had used."""
        async for row in self._stream(
            "SELECT position FROM (SELECT position, row_number() OVER (PARTITION BY nonce_token ORDER BY position)"
            " AS nth FROM ledger.answer WHERE nonce_token IS NOT NULL) AS numbered WHERE nth > 1 ORDER BY position"
        ):
            yield row["position"]

    async def _stream(self, query: str) -> AsyncIterator[asyncpg.Record]:
        try:
            async for row in self._connection.cursor(query, prefetch=PREFETCH):
                yield row
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("the ledger's database does not answer") from error


@asynccontextmanager
async def open_stored_log(dsn: str, *, user: str, password: str) -> AsyncIterator[StoredLog]:
    """Connect as an auditor and hold one read-only snapshot open. Raises Unavailable when that cannot be done."""
    try:
        connection = await asyncpg.connect(dsn, user=user, password=password)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Unavailable("the ledger's database cannot be reached") from error
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield StoredLog(connection)
    finally:
        await connection.close()
