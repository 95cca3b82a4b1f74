"""A derived table that was spoilt is rebuilt from the log while the ledger goes on, and is as it would have been."""

import asyncio
import os
import subprocess
import sys

import pytest

from services.ledger.audit.findings import FindingKind
from services.ledger.rebuild_projection import PROJECTIONS, rebuild_projection
from shared.errors import InvalidInput
from tests.machinery.lean_ledger import LeanLedger
from tests.machinery.ledger_clients import Clients, owing

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHAPE = """
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = $1::regclass ORDER BY 1
"""
RIGHTS = """
SELECT grantee, privilege_type FROM information_schema.role_table_grants
 WHERE table_schema = 'ledger' AND table_name = $1 ORDER BY 1, 2
"""
TRIGGERS = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY 1"


@pytest.mark.parametrize("name", PROJECTIONS)
async def test_a_rebuilt_table_has_the_shape_rights_and_triggers_of_the_old(ledger: LeanLedger, name: str) -> None:
    process = await ledger.writing()
    clients = Clients()
    await clients.until_answered([process], ["a"])
    async with ledger.sql() as connection:
        before = [await connection.fetch(query, f"ledger.{name}") for query in (SHAPE, TRIGGERS)]
        rights = await connection.fetch(RIGHTS, name)
        await rebuild_projection(connection, name)
        assert [await connection.fetch(query, f"ledger.{name}") for query in (SHAPE, TRIGGERS)] == before
        assert await connection.fetch(RIGHTS, name) == rights
    # The writer's prepared statement finds the new table under the old name.
    await clients.until_answered([process], ["b", "c"])
    assert len(await clients.check(ledger, process)) == 4


async def test_spoilt_obligations_are_rebuilt_while_requests_go_on(ledger: LeanLedger) -> None:
    process = await ledger.writing()
    clients = Clients()
    async with process.client() as client:
        for number in range(5):
            await client.append(owing(f"owed-{number}"))
        asking = asyncio.create_task(clients.until_answered([process], [f"k{number}" for number in range(40)]))
        async with ledger.sql() as connection:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute("DELETE FROM ledger.obligation WHERE position % 2 = 0")
            assert {each.kind for each in (await ledger.audit()).findings} == {FindingKind.OBLIGATION_MISMATCH}
        command = [sys.executable, "-m", "cli.main", "rebuild-projection", "obligation"]
        environment = {**os.environ, "DATABASE_URL": ledger.server.dsn(ledger.database)}
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, check=False)
        assert done.stdout == b"obligation was rebuilt from the log: 5 rows\n", done.stderr
        await asking
        await client.append(owing("owed-after"))
    assert (await ledger.audit()).intact


async def test_only_what_the_entries_say_can_be_rebuilt(ledger: LeanLedger) -> None:
    await ledger.writing()
    async with ledger.sql() as connection:
        with pytest.raises(InvalidInput):
            await rebuild_projection(connection, "answer")
