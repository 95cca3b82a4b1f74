"""G13: least privilege in fact, by database role and by door."""

import asyncpg
import pytest
from msgspec.structs import replace

from cli.steward import SCOPE
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import ChildRef
from shared.ledger.audit_messages import BreakGlass
from shared.ledger.messages import (
    Answer,
    AppendRequest,
    Idempotency,
    OpenSection,
    OwedQuery,
    ResolveChild,
    Section,
)
from shared.vocabulary import EntryType
from tests.machinery.answers import child_ref
from tests.machinery.exchange import TestExchange, patiently
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPEND_ONLY = ("entry", "tree_head", "answer", "child_entry", "obligation", "obligation_step")
CHANGES = ("UPDATE ledger.{} SET {}={}", "DELETE FROM ledger.{}", "TRUNCATE ledger.{}")


async def connect(exchange: TestExchange, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    password = exchange.local.secrets.role_passwords()[role]
    return await asyncpg.connect(exchange.local.database_url, user=role, password=password)


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_the_role_that_writes_the_log_can_insert_and_select_only(exchange: TestExchange, table: str) -> None:
    connection = await connect(exchange, "exchange_ledger_writer")
    column = await connection.fetchval(
        "SELECT column_name FROM information_schema.columns WHERE table_schema='ledger' AND table_name=$1 LIMIT 1",
        table,
    )
    for change in CHANGES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(change.format(table, column, column))
    await connection.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_even_the_owner_is_refused_a_change_by_the_tables_themselves(exchange: TestExchange, table: str) -> None:
    async with exchange.client() as client:
        await client.share(share())
    owner = await asyncpg.connect(exchange.local.admin_url)

    async def rows() -> int | None:
        return await owner.fetchval(f"SELECT count(*) FROM ledger.{table}") or None

    assert await patiently(rows), "a table without rows cannot show that it refuses"
    for change in ("DELETE FROM ledger.{}", "TRUNCATE ledger.{}"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute(change.format(table))
    await owner.close()


FORBIDDEN = {
    "exchange_notifier": ("SELECT * FROM ledger.entry", "SELECT * FROM ledger.sealed_section"),
    "exchange_auditor": ("SELECT wrapped FROM ledger.data_key", "INSERT INTO ledger.used_nonce VALUES ('x')"),
    "exchange_ledger_relay": (
        "SELECT * FROM ledger.sealed_section",
        "INSERT INTO ledger.data_key VALUES ('a','b','c')",
    ),
    "exchange_ledger_rewrapper": (
        "SELECT * FROM ledger.entry",
        "SELECT * FROM ledger.sealed_section",
        "UPDATE ledger.data_key SET key_id = 'x'",
        "DELETE FROM ledger.data_key",
        "INSERT INTO ledger.data_key VALUES ('a','b','c')",
        "TRUNCATE ledger.data_key",
    ),
    "exchange_ledger_writer": (
        "UPDATE ledger.data_key SET wrapped = ''",
        "SELECT * FROM notifier.notification",
        "CREATE TABLE public.mine (a int)",
        "DELETE FROM ledger.data_key",
        "DELETE FROM ledger.sealed_section",
        "DELETE FROM ledger.child_identifier",
        "SELECT ledger.erase()",
        "SET ROLE exchange_ledger_eraser",
    ),
}


@pytest.mark.parametrize("role", FORBIDDEN)
async def test_each_role_is_refused_what_is_not_its_own(exchange: TestExchange, role: str) -> None:
    connection = await connect(exchange, role)
    for statement in FORBIDDEN[role]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_every_role_needs_its_password(exchange: TestExchange) -> None:
    for role in exchange.local.secrets.role_passwords():
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(exchange.local.database_url, user=role, password="wrong")


async def test_nobody_can_log_in_as_the_role_that_erases(exchange: TestExchange) -> None:
    owner = await asyncpg.connect(exchange.local.admin_url)
    found = await owner.fetchrow(
        "SELECT rolcanlogin, rolsuper, rolpassword IS NULL AS without FROM pg_authid"
        " WHERE rolname = 'exchange_ledger_eraser'"
    )
    assert found is not None
    assert (found["rolcanlogin"], found["rolsuper"], found["without"]) == (False, False, True)
    members = await owner.fetch(
        "SELECT pg_get_userbyid(member) AS name FROM pg_auth_members WHERE roleid = 'exchange_ledger_eraser'::regrole"
    )
    assert [row["name"] for row in members if row["name"].startswith("exchange_")] == []
    changing = await owner.fetch(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = 'exchange_ledger_eraser' AND privilege_type NOT IN ('SELECT', 'DELETE')"
    )
    assert changing == []
    await owner.close()


async def test_the_gateways_door_opens_nothing_and_lists_nothing_owed(exchange: TestExchange) -> None:
    async with exchange.ledger("gateway") as gateway:
        for call in (
            gateway.open_section(OpenSection("0" * 32, "body", "test")),  # type: ignore[arg-type]
            gateway.break_glass(BreakGlass("0" * 32, "body", "inspection", "A stolen gateway asks.")),  # type: ignore[arg-type]
            gateway.owed(OwedQuery()),
            gateway.queue(OwedQuery()),
        ):
            with pytest.raises(NotPermitted):
                await call


async def test_the_operator_asks_whether_a_child_is_known_and_the_gateway_may_not(exchange: TestExchange) -> None:
    async with exchange.client() as client:
        known = child_ref(await client.share(share()))
    async with exchange.ledger("operator") as operator, exchange.ledger("gateway") as gateway:
        assert await operator.knows_child(known)
        assert not await operator.knows_child(ChildRef("0" * 32))
        with pytest.raises(NotPermitted):
            await gateway.knows_child(known)


@pytest.mark.parametrize("by", [None, "Petra Ellis"])
async def test_what_the_operator_does_to_keys_and_records_names_an_account_or_is_refused(
    exchange: TestExchange, by: str | None
) -> None:
    said = {} if by is None else {"by": by}
    size = len(await exchange.entries())
    async with exchange.ledger("operator") as operator:
        for entry_type in (EntryType.AGENCY_KEY_REVOKED, EntryType.ERASURE_RECORDED, EntryType.ERASURE_WITHDRAWN):
            request = replace(entry(entry_type), facts=said, sections=(), idempotency=Idempotency(SCOPE, "k", b"k"))
            with pytest.raises(InvalidInput, match="account"):
                await operator.append(request)
    assert {each.type for each in (await exchange.entries())[size:]}.isdisjoint({"agency.key_revoked"})


async def test_the_auditors_door_changes_nothing(exchange: TestExchange) -> None:
    async with exchange.ledger("auditor") as auditor:
        for call in (
            auditor.append(entry(EntryType.SHARE_RECORDED)),
            auditor.resolve_child(ResolveChild(())),
            auditor.open_section(OpenSection("0" * 32, "body", "test")),  # type: ignore[arg-type]
        ):
            with pytest.raises(NotPermitted):
                await call


@pytest.mark.parametrize("caller", ["notifier", "operator"])
@pytest.mark.parametrize("entry_type", [EntryType.SHARE_RECORDED, EntryType.NOTIFICATION_OWNED])
async def test_no_service_can_share_or_accept_in_an_agencys_name(
    exchange: TestExchange, caller: str, entry_type: EntryType
) -> None:
    async with exchange.ledger(caller) as ledger:
        with pytest.raises(NotPermitted):
            await ledger.append(entry(entry_type))


async def test_what_comes_through_the_gateway_must_carry_an_agencys_signature(exchange: TestExchange) -> None:
    async with exchange.ledger("gateway") as gateway:
        with pytest.raises(InvalidInput):
            await gateway.append(entry(EntryType.SHARE_RECORDED))


def entry(entry_type: EntryType) -> AppendRequest:
    """Return an entry that nobody signed."""
    return AppendRequest(
        entry_id="e" * 32,  # type: ignore[arg-type]
        type=entry_type,
        idempotency=Idempotency("agency:st-hilda-primary", "forged", b"forged"),
        answer=Answer(201, {}),
        sections=(Section("body", b"{}"),),
    )
