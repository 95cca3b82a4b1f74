"""A forger with every right on the database, who puts a log key of their own in the place of one that was announced."""

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.transparency.checkpoint import read_unverified_checkpoint, sign_checkpoint
from shared.transparency.signed_note import Ed25519Verifier, NoteSigner
from tests.machinery.exchange import TestExchange


async def put_in_anothers_key(exchange: TestExchange, *, announced: Ed25519Verifier) -> int:
    """Have a stopped ledger's announced key be another, which signed every head since; return where it stands."""
    database = await asyncpg.connect(exchange.local.admin_url)
    await database.execute("SET session_replication_role = replica")
    forger = NoteSigner(exchange.local.options.origin, Ed25519PrivateKey.generate())
    row = await database.fetchrow("SELECT position, leaf FROM ledger.entry WHERE type = 'log_key.added'")
    assert row is not None
    leaf = row["leaf"].replace(announced.verifier_key().encode(), forger.verifier().verifier_key().encode())
    assert leaf != row["leaf"]
    await database.execute("UPDATE ledger.entry SET leaf = $2 WHERE position = $1", row["position"], leaf)
    later = await database.fetch(
        "SELECT size, checkpoint FROM ledger.tree_head WHERE previous_size > $1", row["position"]
    )
    assert later
    for head in later:
        resigned = sign_checkpoint(read_unverified_checkpoint(head["checkpoint"]), [forger])
        await database.execute("UPDATE ledger.tree_head SET checkpoint = $2 WHERE size = $1", head["size"], resigned)
    await database.close()
    return int(row["position"])
