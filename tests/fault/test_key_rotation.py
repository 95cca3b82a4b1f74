"""Key-encryption keys are rotated under load and through kill -9; what the old one opened is gone when it is."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from client.errors import Refused
from services.ledger.adapters.key_file import KeyFile
from services.ledger.domain.sealing import unwrap_data_key
from shared.errors import Conflict, IntegrityFailure, NotFound, Unavailable
from shared.ledger.client import LedgerClient
from shared.ledger.key_messages import RewrapDataKeys
from shared.vocabulary import EntryType
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rotating() -> AsyncIterator[TestExchange]:
    """An exchange of its own: its keys change under it."""
    async with running_exchange() as exchange:
        yield exchange


async def stored(exchange: TestExchange) -> dict[str, tuple[str, bytes]]:
    """Return every stored data key as the database has it."""
    database = await asyncpg.connect(exchange.local.admin_url)
    rows = await database.fetch("SELECT key_id, kek_id, wrapped FROM ledger.data_key")
    await database.close()
    return {row["key_id"]: (row["kek_id"], row["wrapped"]) for row in rows}


async def rewrap_all(ledger: LedgerClient, *, limit: int = 200) -> int:
    count, after = 0, ""
    while True:
        done = await ledger.rewrap_data_keys(RewrapDataKeys(after, limit))
        count += done.count
        if done.after is None:
            return count
        after = done.after


async def kill_ledger(exchange: TestExchange) -> None:
    """Kill the ledger with -9 and wait until the supervisor has brought it back."""
    killed = exchange.local.pid("ledger")
    os.kill(killed, signal.SIGKILL)

    async def back() -> bool | None:
        try:
            async with exchange.ledger() as ledger:
                await ledger.encryption_keys()
            return True if exchange.local.pid("ledger") != killed else None
        except Unavailable:
            return None

    assert await patiently(back)


async def test_shares_go_on_while_every_data_key_is_wrapped_anew(rotating: TestExchange) -> None:
    async with rotating.client() as client, rotating.ledger() as ledger:
        record = share()
        first = await client.share(record, idempotency_key="sent-before")
        before = (await ledger.encryption_keys()).keys
        assert [key.current for key in before] == [True]
        sending = [asyncio.create_task(client.share(share())) for _ in range(20)]
        rotated = await ledger.rotate_encryption_key(by="p.ellis")
        await asyncio.gather(*sending)
        assert rotated.previous == before[0].kek_id
        assert await rewrap_all(ledger, limit=7) > 0
        await client.share(share())
        assert {kek_id for kek_id, _ in (await stored(rotating)).values()} == {rotated.kek_id}
        # A repeat is still known by its fingerprint, under the key wrapped anew.
        again = await client.share(record, idempotency_key="sent-before")
        assert again.body == first.body
        with pytest.raises(Refused):
            await client.share(share(), idempotency_key="sent-before")
    report = await rotating.audit()
    assert report.intact, report.findings
    recorded = [entry for entry in await rotating.entries() if entry.type is EntryType.ENCRYPTION_KEY_ROTATED]
    assert [entry.facts for entry in recorded] == [
        {"kek_id": rotated.kek_id, "previous": rotated.previous, "by": "p.ellis"}
    ]


async def test_a_key_is_destroyed_only_when_nothing_is_wrapped_under_it(rotating: TestExchange) -> None:
    async with rotating.client() as client, rotating.ledger() as ledger:
        await client.share(share())
        rotated = await ledger.rotate_encryption_key(by="p.ellis")
        old = await stored(rotating)
        assert rotated.previous in {kek_id for kek_id, _ in old.values()}
        for kek_id in (rotated.previous, rotated.kek_id):
            with pytest.raises(Conflict, match="wrap"):
                await ledger.destroy_encryption_key(kek_id, by="q.harrow")
        with pytest.raises(NotFound):
            await ledger.destroy_encryption_key("0" * 16, by="q.harrow")
        await rewrap_all(ledger)
        keys = KeyFile(rotating.local.secrets.key_file("ledger-key-encryption"))
        child, (kek_id, wrapped) = next((key, row) for key, row in old.items() if row[0] == rotated.previous)
        assert await keys.unwrap(wrapped, kek_id=kek_id, key_id=child), "a backup's copy still opens"
        first = await ledger.destroy_encryption_key(rotated.previous, by="q.harrow")
        with pytest.raises(NotFound):
            await ledger.destroy_encryption_key(rotated.previous, by="q.harrow")
        await keys.epochs()
        with pytest.raises(IntegrityFailure):
            await keys.unwrap(wrapped, kek_id=kek_id, key_id=child)
        await client.share(share())
    destroyed = [entry for entry in await rotating.entries() if entry.type is EntryType.ENCRYPTION_KEY_DESTROYED]
    assert [(entry.position, entry.facts) for entry in destroyed] == [
        (first, {"kek_id": rotated.previous, "by": "q.harrow"})
    ]


async def test_what_only_a_destroyed_key_would_open_is_counted_apart_and_dated(rotating: TestExchange) -> None:
    async with rotating.client() as client, rotating.ledger() as ledger:
        await client.share(share())
        await rotating.all_signed_for()
        before = await stored(rotating)
        rotated = await ledger.rotate_encryption_key(by="p.ellis")
        await rewrap_all(ledger)
        position = await ledger.destroy_encryption_key(rotated.previous, by="q.harrow")
    report = await rotating.audit()
    assert (report.intact, report.lost) == (True, [])
    now = await stored(rotating)
    sealed_under = "SELECT data_key_id, count(*) AS sections FROM ledger.sealed_section GROUP BY 1"
    put = "UPDATE ledger.data_key SET kek_id = $2, wrapped = $3 WHERE key_id = $1"
    database = await asyncpg.connect(rotating.local.admin_url)
    sealed = {row["data_key_id"]: row["sections"] for row in await database.fetch(sealed_under)}
    some = [key for key in before if key in sealed][:3]
    for key in some:  # As a backup from before the rotation has it.
        await database.execute(put, key, *before[key])
    report = await rotating.audit()
    for key in some:
        await database.execute(put, key, *now[key])
    await database.close()
    assert (report.intact, report.erased) == (True, 0), report.findings
    destroyed = (await rotating.entries())[position]
    assert [(each.key.kek_id, each.key.position, each.key.destroyed_at) for each in report.lost] == [
        (rotated.previous, position, destroyed.time)
    ]
    assert report.lost[0].sections == sum(sealed[key] for key in some) > 0


async def test_killed_in_the_middle_of_wrapping_anew_nothing_is_lost_and_it_goes_on(rotating: TestExchange) -> None:
    async with rotating.client() as client, rotating.ledger() as ledger:
        for _ in range(5):
            await client.share(share())
        rotated = await ledger.rotate_encryption_key(by="p.ellis")
        some = await ledger.rewrap_data_keys(RewrapDataKeys(limit=5))
        assert (some.count, some.after is None) == (5, False)
        running = asyncio.create_task(rewrap_all(ledger, limit=1))
        await asyncio.sleep(0.02)
        await kill_ledger(rotating)
        await asyncio.gather(running, return_exceptions=True)
    kinds = {kek_id for kek_id, _ in (await stored(rotating)).values()}
    assert kinds == {rotated.previous, rotated.kek_id}, "it was to be killed half-way"
    async with rotating.client() as client, rotating.ledger() as ledger:
        assert [key.kek_id for key in (await ledger.encryption_keys()).keys if key.current] == [rotated.kek_id]
        await client.share(share())
        assert await rewrap_all(ledger) > 0
        await ledger.destroy_encryption_key(rotated.previous, by="q.harrow")
        await client.share(share())
    await rotating.all_signed_for()
    report = await rotating.audit()
    assert report.intact, report.findings


async def test_killed_between_a_key_and_its_entry_the_record_decides(rotating: TestExchange) -> None:
    path = rotating.local.secrets.key_file("ledger-key-encryption")
    keys = KeyFile(path)
    left_over = await keys.make()
    await kill_ledger(rotating)
    async with rotating.client() as client, rotating.ledger() as ledger:
        await client.share(share())
        assert left_over not in {kek_id for kek_id, _ in (await stored(rotating)).values()}
        assert (await ledger.rotate_encryption_key(by="p.ellis")).kek_id == left_over
        await rewrap_all(ledger)
        # The other way round: killed after a key was destroyed and before its entry. A repeat records it.
        given_up = next(key.kek_id for key in (await ledger.encryption_keys()).keys if not key.current)
        await keys.destroy(given_up)
        position = await ledger.destroy_encryption_key(given_up, by="q.harrow")
        assert (await rotating.entries())[position].facts == {"kek_id": given_up, "by": "q.harrow"}
    for key_id, (kek_id, wrapped) in (await stored(rotating)).items():
        assert kek_id == left_over
        content = path.with_name(f"{path.name}.{_newest(path.name, rotating)}").read_bytes()
        assert unwrap_data_key(wrapped, key_id=key_id, key_encryption_key=content)


def _newest(name: str, exchange: TestExchange) -> int:
    folder = exchange.local.layout.secrets
    return max(int(path.name.rpartition(".")[2]) for path in folder.glob(f"{name}.*"))


async def command(exchange: TestExchange, *arguments: str) -> str:
    """Run ``exchange key …`` against the exchange; return what it said, errors too."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "key", *arguments),
        env={**os.environ, "EXCHANGE_HOME": str(exchange.local.layout.home)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return (await running.communicate())[0].decode()


async def test_the_operator_rotates_and_destroys_from_the_command_line(rotating: TestExchange) -> None:
    old = next(line.split(":")[0] for line in (await command(rotating, "list")).splitlines() if "what is new" in line)
    assert f"destroy-encryption {old}" in await command(rotating, "rotate-encryption", "--by", "p.ellis")
    assert "0 data keys wrapped anew" in await command(rotating, "rewrap")
    listed = await command(rotating, "list")
    assert f"{old}: opens only, 0 data keys" in listed
    assert f"{old} is destroyed" in await command(rotating, "destroy-encryption", old, "--by", "q.harrow")
    assert old not in await command(rotating, "list")
    assert "no rotation left such a key" in await command(rotating, "destroy-encryption", old, "--by", "q.harrow")
    for mistake in ((), ("--by", "Petra Ellis")):
        before = [entry.type for entry in await rotating.entries()].count(EntryType.ENCRYPTION_KEY_ROTATED)
        said = await command(rotating, "rotate-encryption", *mistake)
        assert ("not an account" if mistake else "--by") in said
        assert [entry.type for entry in await rotating.entries()].count(EntryType.ENCRYPTION_KEY_ROTATED) == before
