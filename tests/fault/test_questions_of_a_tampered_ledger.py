"""Whoever asks a ledger that was changed behind its back is told so, and gets nothing that looks like an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import asyncpg
import pytest
import pytest_asyncio

from client.errors import Refused
from services.gateway.api.problem_types import PROBLEMS
from shared.canonical_json import Json
from shared.identifiers import ChildRef, Position
from shared.ledger.audit_messages import OpenSignatures
from shared.transparency.merkle import leaf_hash
from shared.transparency.tiles import TILE_WIDTH
from tests.e2e.test_protected_parts import pushed
from tests.machinery.answers import child_ref
from tests.machinery.command_line import Command, command_on
from tests.machinery.exchange import DARLINGTON, TestExchange, patiently, running_exchange
from tests.machinery.people import child, share
from tests.machinery.tampering import edited_leaf

pytestmark = pytest.mark.asyncio(loop_scope="session")


WHO = child()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asked() -> AsyncIterator[tuple[TestExchange, ChildRef, int]]:
    """An exchange that holds a share, whose child it is about, and where it stands."""
    async with running_exchange() as exchange:
        async with exchange.client() as client:
            shared = await client.share(share(WHO))
        await exchange.all_signed_for()
        entries = await exchange.entries()
        yield exchange, child_ref(shared), next(each.position for each in entries if each.id == shared.content["id"])


@asynccontextmanager
async def made_harmless(
    exchange: TestExchange, position: int, *, with_its_hash: bool, said: tuple[bytes, bytes] | None = None
) -> AsyncIterator[None]:
    """Have an entry's level, or what else it said, changed by a superuser, and put it back."""
    database = await asyncpg.connect(exchange.local.admin_url)
    await database.execute("SET session_replication_role = replica")
    kept = await database.fetchrow("SELECT leaf, leaf_hash FROM ledger.entry WHERE position = $1", position)
    assert kept is not None
    leaf = await edited_leaf(database, position) if said is None else bytes(kept["leaf"]).replace(*said)
    assert leaf != kept["leaf"]
    put = "UPDATE ledger.entry SET leaf = $2, leaf_hash = $3 WHERE position = $1"
    await database.execute(put, position, leaf, leaf_hash(leaf) if with_its_hash else kept["leaf_hash"])
    try:
        yield
    finally:
        await database.execute(put, position, kept["leaf"], kept["leaf_hash"])
        await database.close()


async def fill_a_tile(exchange: TestExchange) -> None:
    """Record so much that what was recorded before lies in a full tile: one that still grows is read again, and held.

    A ledger that comes upon a changed entry there ends at once.
    """
    async with exchange.ledger("auditor") as ledger:
        for _ in range(TILE_WIDTH // 16):
            runs = [OpenSignatures(token_hex(8), Position(0), Position(0), -1, 1) for _ in range(16)]
            await asyncio.gather(*(ledger.open_signatures(run) for run in runs))


async def all_published(command: Command, about: ChildRef) -> None:
    """Return once all that is recorded about a child is under the published checkpoint."""

    async def published() -> bool | None:
        _, said = await command("audit", "who-knew", about)
        return said.startswith("Each entry told of is under") or None

    assert await patiently(published), "what is recorded is never verified"


@pytest.mark.parametrize(
    ("with_its_hash", "expected"),
    [(False, "are not those that were recorded"), (True, "is not the one that was signed and published")],
    ids=["an entry alone", "an entry with its hash"],
)
async def test_a_changed_entry_is_told_of_to_nobody(
    asked: tuple[TestExchange, ChildRef, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    with_its_hash: bool,
    expected: str,
) -> None:
    exchange, about, position = asked
    share_id = next(each.id for each in await exchange.entries() if each.position == position)
    command: Command = command_on(exchange, monkeypatch, capsys)
    await all_published(command, about)
    async with exchange.client() as agency, made_harmless(exchange, position, with_its_hash=with_its_hash):
        for path in (f"/v1/children/{about}/chronology", f"/v1/shares/{share_id}"):
            with pytest.raises(Refused) as refused:
                await agency.get(path)
            problem = refused.value.problem
            assert (problem.status, problem.code, expected in problem.detail) == (500, "ledger-damaged", True), problem
            assert problem.remedy == PROBLEMS["ledger-damaged"].cure
        correction: dict[str, Json] = {"decided_at": "2026-11-24T11:00:00Z", "members": {"rationale": "Put right."}}
        search: dict[str, Json] = {"child": WHO}
        posted = [("/v1/children/searches", search), (f"/v1/shares/{share_id}/corrections", correction)]
        # The search holds each entry against its own hash alone.
        for path, record in posted[with_its_hash:]:
            with pytest.raises(Refused) as refused:
                await agency.post(path, record)
            problem = refused.value.problem
            assert (problem.status, problem.code, problem.outcome) == (500, "ledger-damaged", ""), problem
            assert problem.remedy == PROBLEMS["ledger-damaged"].cure
        for form in ((), ("--json",)):
            code, said = await command("audit", "who-knew", about, *form)
            assert code == 1, said
            assert said.startswith("error: the ledger is damaged here: ")
            assert expected in said
            assert "exchange audit verify" in said
            assert "early_help_only_" not in said


@pytest.mark.parametrize(
    ("with_its_hash", "expected"),
    [(False, "the ledger is damaged here"), (True, "are not the")],
    ids=["an entry alone", "an entry with its hash"],
)
async def test_a_changed_ledger_is_not_exported(
    asked: tuple[TestExchange, ChildRef, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    with_its_hash: bool,
    expected: str,
) -> None:
    exchange, _, position = asked
    command: Command = command_on(exchange, monkeypatch, capsys)
    async with made_harmless(exchange, position, with_its_hash=with_its_hash):
        code, said = await command("audit", "export", tmp_path / "bundle.zip")
    assert (code, (tmp_path / "bundle.zip").exists()) == (1, False), said
    assert expected in said
    assert "exchange audit verify" in said
    code, said = await command("audit", "export", tmp_path / "bundle.zip")
    assert code == 0, said


@pytest.mark.parametrize("with_its_hash", [False, True])
async def test_a_concern_still_goes_where_an_older_entry_was_changed_and_shows_nothing_that_may_be_protected(
    asked: tuple[TestExchange, ChildRef, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    with_its_hash: bool,
) -> None:
    exchange, _, _ = asked
    hidden = f"{7 + with_its_hash} Hidden Row"
    who = child(address={"lines": [hidden], "authority": "E06000047", "protected": "refuge"})
    forgot = {**who, "address": {"lines": [hidden], "authority": "E06000047"}}
    async with exchange.client() as client:
        first = await client.share(share(who))
        await exchange.all_signed_for()
        await fill_a_tile(exchange)
        await all_published(command_on(exchange, monkeypatch, capsys), child_ref(first))
        position = int(str(first.content["position"]))
        unsaid = (b'"protected":["refuge"]', b'"protected":["harmed"]')
        async with made_harmless(exchange, position, with_its_hash=with_its_hash, said=unsaid):
            second = await client.share(share(forgot, recipients=["E06000005"]))
            told = await pushed(exchange, DARLINGTON, second)
    assert told.child["address"] == {"protected": "unknown", "shown": False}
    assert told.rationale
