"""Rewriting a stored history, as somebody with every right on the database can; and signing it anew, with a key."""

from typing import TypeAlias

import asyncpg

from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import EMPTY, grow, leaf_hash
from shared.transparency.signed_note import NoteSigner, format_note, split_note

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def position_of(database: Database, entry_type: str) -> int:
    """Return the first position of an entry of a type."""
    found = await database.fetchval("SELECT min(position) FROM ledger.entry WHERE type = $1", entry_type)
    assert isinstance(found, int)
    return found


async def edited_leaf(database: Database, position: int) -> bytes:
    """Return an entry's bytes with its level made harmless."""
    leaf = await database.fetchval("SELECT leaf FROM ledger.entry WHERE position = $1", position)
    assert b"significant_harm" in leaf
    return bytes(leaf.replace(b"significant_harm", b"early_help_only_"))


async def recompute_everything(database: Database, signer: NoteSigner | None) -> None:
    """Recompute every hash stored in the database, as an attacker without the log's key can."""
    frontier = EMPTY
    rows = await database.fetch("SELECT position, leaf FROM ledger.entry ORDER BY position")
    for row in rows:
        await database.execute(
            "UPDATE ledger.entry SET leaf_hash = $2 WHERE position = $1", row["position"], leaf_hash(row["leaf"])
        )
    for head in await database.fetch("SELECT previous_size, size, checkpoint FROM ledger.tree_head ORDER BY size"):
        added = [leaf_hash(row["leaf"]) for row in rows[head["previous_size"] : head["size"]]]
        frontier = grow(frontier, added).frontier
        origin = head["checkpoint"].split(b"\n")[0].decode()
        checkpoint = Checkpoint(origin, TreeSize(head["size"]), frontier.root())
        if signer is None:
            note = format_note(checkpoint.body(), split_note(head["checkpoint"])[1])
        else:
            note = sign_checkpoint(checkpoint, [signer])
        await database.execute(
            "UPDATE ledger.tree_head SET frontier = $2, checkpoint = $3 WHERE size = $1",
            head["size"],
            frontier.to_bytes(),
            note,
        )
