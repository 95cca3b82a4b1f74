"""A ledger laid open: every row can be changed, every hash recomputed, every head signed anew, and all put back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec.structs import replace

from shared.entries import Entry, encode_entry, parse_entry
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import EMPTY, grow, leaf_hash
from shared.transparency.signed_note import NoteSigner, format_note, split_note
from tests.machinery.exchange import TestExchange

TABLES = (
    "entry",
    "tree_head",
    "answer",
    "child_entry",
    "child_identifier",
    "obligation",
    "obligation_step",
    "data_key",
    "sealed_section",
)

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Interval: TypeAlias = tuple[int, int]


@dataclass
class Laboratory:
    """One quiet ledger and a superuser's connection to its database. ``random`` chooses what is attacked."""

    exchange: TestExchange
    database: Database
    random: Random = field(default_factory=Random)

    @classmethod
    async def open(cls, exchange: TestExchange) -> "Laboratory":
        """Keep a copy of everything, with the database's own guards off, as a superuser can have them."""
        database = await asyncpg.connect(exchange.local.admin_url)
        await database.execute("SET session_replication_role = replica")
        await database.execute("CREATE SCHEMA kept")
        for table in TABLES:
            await database.execute(f"CREATE TABLE kept.{table} AS TABLE ledger.{table}")
            # What keeps rows apart would stand in the way of some forgeries, and is no obstacle to a superuser.
            for name in await database.fetch(
                "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('p', 'u')",
                f"ledger.{table}",
            ):
                await database.execute(f'ALTER TABLE ledger.{table} DROP CONSTRAINT "{name[0]}"')
        return cls(exchange, database)

    async def restore(self, random: Random) -> None:
        """Put everything back, and choose anew from ``random``."""
        self.random = random
        for table in TABLES:
            await self.database.execute(f"TRUNCATE ledger.{table}")
            await self.database.execute(f"INSERT INTO ledger.{table} SELECT * FROM kept.{table}")

    async def run(self, sql: str, *arguments: object) -> None:
        """Run a statement that must change something."""
        done = await self.database.execute(sql, *arguments)
        assert not done.endswith(" 0"), f"the attack changed nothing: {sql}"

    async def size(self) -> int:
        """Return how many entries there are."""
        return int(await self.database.fetchval("SELECT count(*) FROM ledger.entry"))

    async def entries(self) -> list[Entry]:
        """Return the log as it stands."""
        rows = await self.database.fetch("SELECT leaf FROM ledger.entry ORDER BY position")
        return [parse_entry(row["leaf"]) for row in rows]

    async def pick(self, wanted: Callable[[Entry], bool]) -> Entry:
        """Return one of the entries that are wanted."""
        return self.random.choice([entry for entry in await self.entries() if wanted(entry)])

    async def pick_position(self, sql: str) -> int:
        """Return one of the positions that a query finds."""
        return int(self.random.choice(await self.database.fetch(sql))[0])

    async def put(self, position: int, leaf: bytes) -> None:
        """Put other bytes in an entry's place, their hash recomputed."""
        await self.run(
            "UPDATE ledger.entry SET leaf = $2, leaf_hash = $3 WHERE position = $1", position, leaf, leaf_hash(leaf)
        )

    async def put_signed(self, entry: Entry, *, at: int | None = None, **changed: object) -> Interval:
        """Put a changed entry in its place, recompute everything, and sign it all with the log's own key."""
        position = entry.position if at is None else at
        forged = replace(entry, **changed)
        await self.put(position, encode_entry(forged))
        await self.run(
            "UPDATE ledger.entry SET entry_id = $2, type = $3 WHERE position = $1", position, forged.id, forged.type
        )
        await self.recompute(self.own_signer())
        return position, position

    async def batch_of(self, position: int) -> Interval:
        """Return the first and last position of the batch whose head covers a position."""
        row = await self.database.fetchrow(
            "SELECT previous_size, size - 1 FROM ledger.tree_head WHERE previous_size <= $1 AND size > $1", position
        )
        assert row is not None
        return row[0], row[1]

    def own_signer(self, origin: str | None = None) -> NoteSigner:
        """Return what signs with the log's own key, as whoever runs the ledger could."""
        pem = self.exchange.local.secrets.signing_key_file("ledger-log").read_bytes()
        key = load_pem_private_key(pem, password=None)
        assert isinstance(key, Ed25519PrivateKey)
        return NoteSigner(origin or self.exchange.local.options.origin, key)

    async def recompute(self, signer: NoteSigner | None) -> None:
        """Recompute every hash and head; with no signer, keep the old signatures."""
        rows = await self.database.fetch("SELECT position, leaf FROM ledger.entry ORDER BY position")
        await self.database.executemany(
            "UPDATE ledger.entry SET leaf_hash = $2 WHERE position = $1",
            [(row["position"], leaf_hash(row["leaf"])) for row in rows],
        )
        frontier, heads = EMPTY, []
        for head in await self.database.fetch(
            "SELECT previous_size, size, checkpoint FROM ledger.tree_head ORDER BY 2"
        ):
            added = [leaf_hash(row["leaf"]) for row in rows[head["previous_size"] : head["size"]]]
            frontier = grow(frontier, added).frontier
            if signer is None:
                origin = head["checkpoint"].split(b"\n")[0].decode()
                body = Checkpoint(origin, TreeSize(head["size"]), frontier.root()).body()
                note = format_note(body, split_note(head["checkpoint"])[1])
            else:
                note = sign_checkpoint(Checkpoint(signer.name, TreeSize(head["size"]), frontier.root()), [signer])
            heads.append((head["size"], frontier.to_bytes(), note))
        await self.database.executemany(
            "UPDATE ledger.tree_head SET frontier = $2, checkpoint = $3 WHERE size = $1", heads
        )


def edited(entry: Entry) -> Mapping[str, object]:
    """Return an entry's facts, changed."""
    return {**entry.facts, "forged": "yes"}
