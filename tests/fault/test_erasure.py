"""G9, attacked: after an erasure the disk is searched, the deed is faked, and it is cut off in the middle.

Base backups are outside this search by nature. What they hold of an erased child stays openable until the key that
wrapped it is destroyed, by the erasure's ``complete_by`` (docs/operations.md); that is done here too.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import asyncpg
import orjson
import pytest
import pytest_asyncio

from client.errors import NotReached, Refused
from client.exchange_client import Answer
from services.ledger.audit.findings import FindingKind
from services.ledger.domain.sealing import KEY_BYTES, unwrap_data_key
from shared.errors import IntegrityFailure, NotFound, Unavailable
from shared.identifiers import ChildRef
from shared.ledger.key_messages import RewrapDataKeys
from shared.ledger.stewardship import SCOPE_CHILD, Target
from tests.e2e.test_personal_data import everything_on_the_topic, files_under, found_in
from tests.machinery.answers import child_ref
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import child, share
from tests.machinery.stewards import approved, erase, steward

pytestmark = pytest.mark.asyncio(loop_scope="session")

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

WORDS = ("Ambrosine", "Tollemache-Udoh", "verdigris bruise", "Sorrel Quayside")
ERASABLE = {"data_key": "key_id", "sealed_section": "data_key_id", "child_identifier": "ref"}
EVERYTHING_ABOUT = {name: f"SELECT * FROM ledger.{name} WHERE {column} = $1" for name, column in ERASABLE.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quiet() -> AsyncIterator[tuple[TestExchange, Database]]:
    """An exchange of its own, and its database open to somebody with every right."""
    async with running_exchange() as exchange:
        database = await asyncpg.connect(exchange.local.admin_url)
        yield exchange, database
        await database.close()


@dataclass(frozen=True)
class Secret:
    """What must be found nowhere any more: pieces short enough to lie within one page or record."""

    wrapped: bytes
    plain: bytes
    sealed: tuple[bytes, ...]
    tokens: tuple[bytes, ...]

    def pieces(self) -> Iterable[tuple[str, bytes]]:
        """Yield every piece with what it is of."""
        for name, whole in (
            ("wrapped key", self.wrapped),
            ("data key", self.plain),
            *(("sealed content", each) for each in self.sealed),
            *(("look-up hash", each) for each in self.tokens),
        ):
            for at in range(0, len(whole) - 15, 16):
                yield name, whole[at : at + 16]


async def secret_of(exchange: TestExchange, database: Database, about: ChildRef) -> Secret:
    """Return a child's key, plain and wrapped, with all that is sealed under it and looked up by."""
    wrapped = await database.fetchval("SELECT wrapped FROM ledger.data_key WHERE key_id = $1", about)
    kek = exchange.local.secrets.key_file("ledger-key-encryption").read_bytes()
    sealed = await database.fetch("SELECT content FROM ledger.sealed_section WHERE data_key_id = $1", about)
    tokens = await database.fetch("SELECT token FROM ledger.child_identifier WHERE ref = $1", about)
    return Secret(
        wrapped=wrapped,
        plain=unwrap_data_key(wrapped, key_id=about, key_encryption_key=kek),
        sealed=tuple(row["content"] for row in sealed),
        tokens=tuple(row["token"] for row in tokens),
    )


def found_on_disk(secret: Secret, folders: Iterable[Path]) -> set[str]:
    """Return which pieces are found in any file, by what they are of."""
    pieces = list(secret.pieces())
    found = set()
    for path in (path for folder in folders for path in files_under(folder)):
        content = path.read_bytes()
        found |= {f"{name} in {path.name}" for name, piece in pieces if piece in content}
    return found


async def end_the_epoch(exchange: TestExchange) -> None:
    """Rotate the key-encryption key, wrap every living data key anew, and destroy the old one."""
    async with exchange.ledger() as ledger:
        rotated = await ledger.rotate_encryption_key(by="p.ellis")
        after: str | None = ""
        while after is not None:
            after = (await ledger.rewrap_data_keys(RewrapDataKeys(after))).after
        await ledger.destroy_encryption_key(rotated.previous, by="q.harrow")


async def test_no_trace_of_a_key_or_of_what_it_sealed_is_left_on_disk_in_the_topic_or_in_the_logs() -> None:
    async with running_exchange() as exchange:
        database = await asyncpg.connect(exchange.local.admin_url)
        await database.execute("ALTER SYSTEM SET wal_recycle = off")
        await database.execute("SELECT pg_reload_conf()")
        who = child(
            given_names="Ambrosine",
            family_name="Tollemache-Udoh",
            address={"lines": ["3 Sorrel Quayside"], "authority": "E06000005"},
        )
        body = orjson.dumps(share(who, concern={"level": "significant_harm", "seen_or_said": "A verdigris bruise."}))
        async with exchange.client() as client:
            first = await client.post_bytes("/v1/shares", body, idempotency_key="to-be-erased")
            other = await client.share(share())
            await exchange.all_signed_for()
            about = child_ref(first)
            secret = await secret_of(exchange, database, about)
            kept = await secret_of(exchange, database, child_ref(other))
            assert exchange.local.postgres is not None
            data_dir, logs = exchange.local.postgres.data_dir, exchange.local.layout.logs
            await database.execute("CHECKPOINT")
            before = {found.partition(" in ")[0] for found in found_on_disk(secret, [data_dir])}
            assert before == {"wrapped key", "sealed content", "look-up hash"}, "what is searched for can be found"

            assert not (await erase(exchange, about)).refused
            report = await exchange.audit()
            assert report.intact, report.findings
            again = await client.post_bytes("/v1/shares", body, idempotency_key="to-be-erased")
            assert (again.status, again.body) == (first.status, first.body)
            keys = await client.keys()
            assert first.receipt_checkpoint(keys).size > 0

        await end_the_epoch(exchange)
        left = [path.read_bytes() for path in files_under(exchange.local.layout.secrets)]
        keys_left = [key for key in left if len(key) == KEY_BYTES]
        assert len(keys_left) >= 2
        for key_left in keys_left:
            # What a forgotten backup still holds is opened by no key that is left.
            with pytest.raises(IntegrityFailure):
                unwrap_data_key(secret.wrapped, key_id=about, key_encryption_key=key_left)

        # The steps of docs/operations.md that end the window of the database's own files and write-ahead log.
        for table in ERASABLE:
            await database.execute(f"VACUUM FULL ledger.{table}")
        await database.execute("VACUUM FULL ledger.answer")
        for _ in range(2):
            await database.execute("SELECT pg_switch_wal()")
            await database.execute("CHECKPOINT")
        await database.close()
        topic = b"\n".join(await everything_on_the_topic(exchange))
        tiles = exchange.local.layout.home / "tiles"
        await exchange.local.stop()
        assert found_on_disk(secret, [data_dir, logs, tiles]) == set()
        assert {name for name, piece in secret.pieces() if piece in topic} == set()
        assert found_on_disk(kept, [data_dir]), "another child's key and content are still there"
        for path in (*files_under(data_dir), *files_under(logs)):
            assert not found_in(path.read_bytes(), list(WORDS)), path.name
        assert not found_in(topic, list(WORDS))


async def erased_child(exchange: TestExchange) -> tuple[Answer, ChildRef]:
    """Return a share and its child, neither erased yet."""
    async with exchange.client() as client:
        answer = await client.share(share())
    await exchange.all_signed_for()
    return answer, child_ref(answer)


@pytest.mark.parametrize("table", ERASABLE)
async def test_what_was_erased_in_name_only_is_found(quiet: tuple[TestExchange, Database], table: str) -> None:
    exchange, database = quiet
    _, about = await erased_child(exchange)
    rows = await database.fetch(EVERYTHING_ABOUT[table], about)
    assert rows
    await erase(exchange, about)
    assert (await exchange.audit()).intact
    columns = ", ".join(rows[0].keys())
    places = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
    await database.executemany(
        f"INSERT INTO ledger.{table} ({columns}) VALUES ({places})", [tuple(row.values()) for row in rows]
    )
    kinds = {finding.kind for finding in (await exchange.audit()).findings}
    assert kinds == {FindingKind.ERASED_IN_NAME_ONLY}
    await database.execute(f"DELETE FROM ledger.{table} WHERE {ERASABLE[table]} = $1", about)
    assert (await exchange.audit()).intact


async def test_what_an_erased_child_is_found_by_is_found_beside_whatever_entry_it_is_put_back(
    quiet: tuple[TestExchange, Database],
) -> None:
    exchange, database = quiet
    _, about = await erased_child(exchange)
    other, _ = await erased_child(exchange)
    tokens = await database.fetch("SELECT token, identifying FROM ledger.child_identifier WHERE ref = $1", about)
    await erase(exchange, about)
    place = other.content["position"]
    await database.executemany(
        "INSERT INTO ledger.child_identifier (token, ref, identifying, position) VALUES ($1, $2, $3, $4)",
        [(row["token"], about, row["identifying"], place) for row in tokens],
    )
    found = [(each.kind, each.first_position) for each in (await exchange.audit()).findings]
    assert found == [(FindingKind.IDENTIFIER_FOREIGN, place)]
    await database.execute("DELETE FROM ledger.child_identifier WHERE ref = $1", about)
    assert (await exchange.audit()).intact


async def test_a_payload_deleted_without_an_erasure_is_found_though_another_child_was_erased(
    quiet: tuple[TestExchange, Database],
) -> None:
    exchange, database = quiet
    _, about = await erased_child(exchange)
    answer, kept = await erased_child(exchange)
    await erase(exchange, about)
    rows = await database.fetch(EVERYTHING_ABOUT["data_key"], kept)
    await database.execute("DELETE FROM ledger.data_key WHERE key_id = $1", kept)
    report = await exchange.audit()
    assert {finding.kind for finding in report.findings} == {FindingKind.SECTION_MISSING}
    assert answer.content["position"] in {finding.first_position for finding in report.findings}
    await database.execute("INSERT INTO ledger.data_key VALUES ($1, $2, $3)", *rows[0].values())
    assert (await exchange.audit()).intact


async def test_even_the_owner_cannot_blank_what_an_answer_is_told_by(quiet: tuple[TestExchange, Database]) -> None:
    _, database = quiet
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await database.execute("UPDATE ledger.answer SET fingerprint = ''")


async def whole_or_not_at_all(exchange: TestExchange, about: ChildRef) -> bool:
    """Return whether a child is erased; fails when it is erased in part."""
    database = await asyncpg.connect(exchange.local.admin_url)
    left = {name: bool(await database.fetch(query, about)) for name, query in EVERYTHING_ABOUT.items()}
    await database.close()
    recorded = [
        entry
        for entry in await exchange.entries()
        if entry.type == "erasure.recorded" and entry.subjects[0].ref == about
    ]
    assert set(left.values()) == {not recorded}, left
    report = await exchange.audit()
    assert report.intact, report.findings
    return bool(recorded)


async def in_the_middle_of_erasing(database: Database, about: ChildRef) -> None:
    """Return when the erasing statement has deleted much and waits for the row that is deleted last."""

    async def waits() -> bool | None:
        waiting = await database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'exchange_ledger_writer'"
            " AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO ledger.entry%'"
        )
        return True if waiting else None

    assert await patiently(waits), about


async def writing_again(exchange: TestExchange) -> None:
    async def accepted() -> Answer | None:
        async with exchange.client() as client:
            with suppress(NotReached, Refused):
                return await client.share(share())
        return None

    assert await patiently(accepted)


async def test_killed_in_the_middle_of_an_erasure_it_is_whole_or_not_at_all() -> None:
    async with running_exchange() as exchange:
        _, about = await erased_child(exchange)
        async with steward(exchange) as acting:
            proposal = await approved(acting, Target(SCOPE_CHILD, about))

            # The database dies with the statement half done: not at all.
            database = await asyncpg.connect(exchange.local.admin_url)
            block = database.transaction()
            await block.start()
            await database.execute("SELECT FROM ledger.data_key WHERE key_id = $1 FOR UPDATE", about)
            erasing = asyncio.create_task(acting.carry_out(proposal, by="t.oake"))
            await in_the_middle_of_erasing(database, about)
            assert exchange.local.postgres is not None
            exchange.local.postgres.crash()
            with pytest.raises(Unavailable):
                await erasing
            exchange.local.postgres.start()
            database.terminate()
            await writing_again(exchange)
            assert not await whole_or_not_at_all(exchange, about)

            # The ledger is killed while its statement waits: whoever takes over finds it whole.
            database = await asyncpg.connect(exchange.local.admin_url)
            block = database.transaction()
            await block.start()
            await database.execute("SELECT FROM ledger.data_key WHERE key_id = $1 FOR UPDATE", about)
            erasing = asyncio.create_task(acting.carry_out(proposal, by="t.oake"))
            await in_the_middle_of_erasing(database, about)
            os.kill(exchange.local.pid("ledger"), signal.SIGKILL)
            with pytest.raises(Unavailable):
                await erasing
            await block.rollback()
            await database.close()
            await writing_again(exchange)
            assert await whole_or_not_at_all(exchange, about)
            with pytest.raises(NotFound):
                await acting.carry_out(proposal, by="t.oake")
