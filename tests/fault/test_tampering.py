"""G4: whoever changes the stored ledger without the log's key is found, and where they did it is named."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.audit.findings import FindingKind, Report
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import EMPTY, grow, leaf_hash
from shared.transparency.signed_note import NoteSigner, format_note, split_note
from tests.machinery.exchange import PRACTICE, TestExchange, running_exchange
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLES = ("entry", "tree_head", "answer", "child_entry", "obligation", "obligation_step", "data_key", "sealed_section")

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quiet() -> AsyncIterator[tuple[TestExchange, Database]]:
    """An exchange with a history, its services stopped, and its database open to an attacker with every right."""
    async with running_exchange() as exchange:
        async with exchange.client() as client:
            who = child()
            for record in (share(who), share(), share(who)):
                await client.share(record)
        async with exchange.client(PRACTICE) as client:
            await client.withhold(withholding(who))
        await exchange.all_signed_for()
        for name in ("notifier", "gateway", "ledger"):
            await exchange.local.stop_service(name)
        database = await asyncpg.connect(exchange.local.admin_url)
        await database.execute("CREATE SCHEMA kept")
        for table in TABLES:
            await database.execute(f"CREATE TABLE kept.{table} AS TABLE ledger.{table}")
        yield exchange, database
        await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def attacked(quiet: tuple[TestExchange, Database]) -> AsyncIterator[tuple[TestExchange, Database]]:
    """The same, whole again before each test, with triggers off as a superuser can have them."""
    _, database = quiet
    await database.execute("SET session_replication_role = replica")
    for table in TABLES:
        await database.execute(f"TRUNCATE ledger.{table}")
        await database.execute(f"INSERT INTO ledger.{table} SELECT * FROM kept.{table}")
    yield quiet


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


def kinds_at(report: Report, position: int) -> set[FindingKind]:
    """Return what was found at a position or in an interval that holds it."""
    return {each.kind for each in report.findings if each.first_position <= position <= each.last_position}


async def test_an_untouched_ledger_is_intact(attacked: tuple[TestExchange, Database]) -> None:
    report = await attacked[0].audit()
    assert report.intact, report.findings
    assert report.sections > 0
    assert report.answers > 0


async def test_an_edited_row_is_named_exactly(attacked: tuple[TestExchange, Database]) -> None:
    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    leaf = await edited_leaf(database, position)
    await database.execute("UPDATE ledger.entry SET leaf = $2 WHERE position = $1", position, leaf)
    first = (await exchange.audit()).first()
    assert first is not None
    assert (first.kind, first.first_position, first.last_position) == (FindingKind.EDITED_ENTRY, position, position)


async def test_an_edited_row_with_its_hash_recomputed_is_named_by_its_interval(
    attacked: tuple[TestExchange, Database],
) -> None:
    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    leaf = await edited_leaf(database, position)
    await database.execute(
        "UPDATE ledger.entry SET leaf = $2, leaf_hash = $3 WHERE position = $1", position, leaf, leaf_hash(leaf)
    )
    report = await exchange.audit()
    assert FindingKind.HEAD_MISMATCH in kinds_at(report, position)
    heads = [each for each in report.findings if each.kind is FindingKind.HEAD_MISMATCH]
    assert len(heads) == 1, "one changed interval is one finding"


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


@pytest.mark.parametrize("signed", ["with the old signatures", "with a key of the attacker's own"])
async def test_every_hash_recomputed_without_the_logs_key_is_found(
    attacked: tuple[TestExchange, Database], signed: str
) -> None:
    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    leaf = await edited_leaf(database, position)
    await database.execute("UPDATE ledger.entry SET leaf = $2 WHERE position = $1", position, leaf)
    own = NoteSigner(exchange.local.options.origin, Ed25519PrivateKey.generate())
    await recompute_everything(database, own if signed.endswith("own") else None)
    report = await exchange.audit()
    assert FindingKind.BAD_SIGNATURE in kinds_at(report, position)


async def test_a_history_rewritten_and_signed_with_the_logs_own_key_is_found_by_an_older_checkpoint(
    attacked: tuple[TestExchange, Database],
) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    leaf = await edited_leaf(database, position)
    await database.execute("UPDATE ledger.entry SET leaf = $2 WHERE position = $1", position, leaf)
    key = load_pem_private_key(exchange.local.secrets.signing_key_file("ledger-log").read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    await recompute_everything(database, NoteSigner(exchange.local.options.origin, key))
    report = await exchange.audit()
    assert FindingKind.OLDER_CHECKPOINT_CONTRADICTED in kinds_at(report, position)


async def test_a_deleted_row_is_named_exactly(attacked: tuple[TestExchange, Database]) -> None:
    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    await database.execute("DELETE FROM ledger.entry WHERE position = $1", position)
    assert FindingKind.MISSING_ENTRY in kinds_at(await exchange.audit(), position)


async def test_a_deleted_row_closed_up_is_named_exactly(attacked: tuple[TestExchange, Database]) -> None:
    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    await database.execute("DELETE FROM ledger.entry WHERE position = $1", position)
    last = await database.fetchval("SELECT max(position) FROM ledger.entry")
    for moved in range(position + 1, last + 1):
        await database.execute("UPDATE ledger.entry SET position = $2 WHERE position = $1", moved, moved - 1)
    report = await exchange.audit()
    first = report.first()
    assert first is not None
    assert FindingKind.MISPLACED_ENTRY in kinds_at(report, position)


async def test_swapped_rows_are_named_exactly(attacked: tuple[TestExchange, Database]) -> None:
    exchange, database = attacked
    position = await position_of(database, "share.recorded")
    for old, new in ((position, -1), (position + 1, position), (-1, position + 1)):
        await database.execute("UPDATE ledger.entry SET position = $2 WHERE position = $1", old, new)
    report = await exchange.audit()
    assert FindingKind.MISPLACED_ENTRY in kinds_at(report, position)
    assert FindingKind.MISPLACED_ENTRY in kinds_at(report, position + 1)


async def test_an_inserted_row_is_named(attacked: tuple[TestExchange, Database]) -> None:
    exchange, database = attacked
    last = await database.fetchval("SELECT max(position) FROM ledger.entry")
    leaf = await database.fetchval("SELECT leaf FROM ledger.entry WHERE position = $1", last)
    forged = leaf.replace(f'"position":{last}'.encode(), f'"position":{last + 1}'.encode())
    await database.execute(
        "INSERT INTO ledger.entry (position, entry_id, type, leaf, leaf_hash) VALUES ($1, $2, $3, $4, $5)",
        last + 1,
        "f" * 32,
        "share.recorded",
        forged,
        leaf_hash(forged),
    )
    assert FindingKind.HEAD_MISSING in kinds_at(await exchange.audit(), last + 1)


async def test_a_truncated_log_is_found_by_what_was_signed(attacked: tuple[TestExchange, Database]) -> None:
    exchange, database = attacked
    size = await database.fetchval("SELECT max(previous_size) FROM ledger.tree_head")
    await database.execute("DELETE FROM ledger.entry WHERE position >= $1", size)
    await database.execute("DELETE FROM ledger.tree_head WHERE size > $1", size)
    assert FindingKind.TRUNCATED in kinds_at(await exchange.audit(), size)


BESIDE: dict[str, tuple[str, FindingKind]] = {
    "an edited sealed section": (
        "UPDATE ledger.sealed_section SET content = content || 'x'::bytea WHERE position = $1 AND name = 'body'",
        FindingKind.SECTION_EDITED,
    ),
    "a deleted sealed section": (
        "DELETE FROM ledger.sealed_section WHERE position = $1 AND name = 'body'",
        FindingKind.SECTION_MISSING,
    ),
    "the section of another entry": (
        "UPDATE ledger.sealed_section s SET content = o.content FROM ledger.sealed_section o"
        " WHERE s.position = $1 AND o.position > $1 AND s.name = o.name AND s.name = 'body'",
        FindingKind.SECTION_EDITED,
    ),
    "a section nobody committed to": (
        "INSERT INTO ledger.sealed_section VALUES ($1, 'note', 'nobody', 'x')",
        FindingKind.SECTION_FOREIGN,
    ),
    "a key destroyed without an erasure": (
        "DELETE FROM ledger.data_key WHERE key_id = (SELECT data_key_id FROM ledger.sealed_section"
        " WHERE position = $1 LIMIT 1)",
        FindingKind.SECTION_MISSING,
    ),
    "an edited answer": (
        "UPDATE ledger.answer SET body = '{}'::bytea WHERE position = $1",
        FindingKind.ANSWER_MISMATCH,
    ),
    "a deleted obligation": ("DELETE FROM ledger.obligation WHERE position = $1", FindingKind.OBLIGATION_MISMATCH),
    "an obligation to somebody else": (
        "UPDATE ledger.obligation SET recipient = 'queue:nowhere' WHERE position = $1",
        FindingKind.OBLIGATION_MISMATCH,
    ),
    "a history of another child": (
        "UPDATE ledger.child_entry SET ref = repeat('0', 32) WHERE position = $1",
        FindingKind.CHILD_HISTORY_BROKEN,
    ),
    "another type beside an entry": (
        "UPDATE ledger.entry SET type = 'content.opened' WHERE position = $1",
        FindingKind.COLUMN_MISMATCH,
    ),
}


@pytest.mark.parametrize("case", BESIDE)
async def test_what_is_stored_beside_an_entry_cannot_be_changed_unnoticed(
    attacked: tuple[TestExchange, Database], case: str
) -> None:
    exchange, database = attacked
    sql, kind = BESIDE[case]
    position = await position_of(database, "share.recorded")
    done = await database.execute(sql, position)
    assert not done.endswith(" 0"), "the attack changed nothing"
    assert kind in kinds_at(await exchange.audit(), position)


async def test_a_ledger_restored_from_an_old_copy_refuses_to_sign_and_says_why(
    attacked: tuple[TestExchange, Database],
) -> None:
    from shared.errors import Unavailable

    exchange, database = attacked
    size = await database.fetchval("SELECT max(previous_size) FROM ledger.tree_head")
    await database.execute("DELETE FROM ledger.entry WHERE position >= $1", size)
    await database.execute("DELETE FROM ledger.tree_head WHERE size > $1", size)
    with pytest.raises(Unavailable):
        await exchange.local.start_service("ledger")
    log = (exchange.local.layout.logs / "ledger.log").read_text()
    assert "it is an old copy or was truncated" in log
