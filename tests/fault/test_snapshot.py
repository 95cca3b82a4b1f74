"""A replay's snapshot goes on with its own log, and is refused by another and by one that was cut short behind it."""

import pytest

from cli.audit_snapshot import state_by_snapshot
from cli.audited_ledger import DoorAuditing
from services.ledger.audit.snapshot import SnapshotForeign, read_snapshot
from shared.transparency.signed_note import NoteSigner
from tests.machinery.lean_ledger import ORIGIN, LeanLedger
from tests.machinery.ledger_clients import Clients

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_snapshot_goes_on_with_its_log_and_with_no_other(ledger: LeanLedger) -> None:
    verifier = NoteSigner(ORIGIN, ledger.key).verifier()
    kept, clients = ledger.home / "snapshot", Clients()
    first = await ledger.writing()
    await clients.until_answered([first], ["a", "b"])
    async with first.client("auditor") as client:
        assert (await state_by_snapshot(DoorAuditing(client), kept, verifier=verifier)).position == 2
        await clients.until_answered([first], ["c"])
        assert (await state_by_snapshot(DoorAuditing(client), kept, verifier=verifier)).position == 3
    snapshot = read_snapshot(kept)
    assert snapshot is not None
    assert snapshot.size == 4
    first.kill()
    # The same key and origin over an empty database and without its guard: a fork from the beginning.
    async with ledger.sql() as connection:
        await connection.execute("SET session_replication_role = replica")
        for table in ("entry", "tree_head", "answer"):
            await connection.execute(f"TRUNCATE ledger.{table}")
    ledger.guard.unlink()
    fork = await ledger.writing()
    await Clients().until_answered([fork], ["v", "w", "x", "y", "z"])
    async with fork.client("auditor") as client:
        with pytest.raises(SnapshotForeign):
            await state_by_snapshot(DoorAuditing(client), kept, verifier=verifier)
    assert read_snapshot(kept) == snapshot
