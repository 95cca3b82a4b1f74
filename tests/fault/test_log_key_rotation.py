"""The log's key is rotated in the open: an auditor who kept the first key learns the next from the log itself."""

import dataclasses
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cli.audit import audit_ledger
from client.exchange_client import Answer, ExchangeKeys, read_keys
from deploy.local.addresses import read_addresses
from deploy.local.exchange import LocalExchange, Options
from deploy.local.layout import layout_of_its_own
from deploy.local.loopback_port import free_port
from deploy.local.secret_files import new_signing_key_pem
from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.stored_log import open_stored_log
from services.ledger.audit.tile_log import verify_tiles
from services.ledger.audit.verify import verify_log
from services.ledger.domain.log_key_change import key_label
from shared.errors import IntegrityFailure, Unavailable
from shared.ledger.client import LedgerTiles
from shared.transparency.signed_note import Ed25519Verifier, NoteSigner
from shared.vocabulary import EntryType
from tests.machinery.announced_key import put_in_anothers_key
from tests.machinery.exchange import TestExchange, patiently, running_exchange
from tests.machinery.people import share

BY = "p.ellis"
STOLEN = "2026-11-20T00:00:00.000000Z"

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exchange() -> AsyncIterator[TestExchange]:
    """An exchange of its own; the tests follow its log's keys one after the other."""
    async with running_exchange() as running:
        yield running


def signer(exchange: TestExchange, name: str) -> NoteSigner:
    key = load_pem_private_key(exchange.local.secrets.signing_key_file(name).read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return NoteSigner(exchange.local.options.origin, key)


async def restart(
    exchange: TestExchange, *, key: str, following: str | None = None, compromised_from: str | None = None
) -> None:
    """Start the ledger anew with one log key, perhaps the next one beside it, and why another is given up."""
    secrets = exchange.local.secrets
    settings = {"LEDGER_LOG_KEY_FILE": str(secrets.signing_key_file(key)), "LEDGER_LOG_KEY_CHANGED_BY": BY}
    if following is not None:
        settings["LEDGER_LOG_KEY_NEXT_FILE"] = str(secrets.signing_key_file(following))
    if compromised_from is not None:
        settings["LEDGER_LOG_KEY_COMPROMISED_FROM"] = compromised_from
    await exchange.local.stop_service("ledger")
    await exchange.local.start_service("ledger", settings)


def logged(local: LocalExchange, event: str) -> list[dict[str, object]]:
    """Return the ledger's log lines that say one thing."""
    lines = (local.layout.logs / "ledger.log").read_text().splitlines()
    return [line for line in map(orjson.loads, lines) if line["event"] == event]


async def published(exchange: TestExchange, *, count: int) -> ExchangeKeys:
    """Return the published keys once so many log keys are among them."""

    async def look() -> ExchangeKeys | None:
        async with aiohttp.ClientSession() as session, session.get(f"{exchange.local.gateway_url}/v1/keys") as answer:
            keys = read_keys(await answer.json())
        return keys if len(keys.log_keys) == count else None

    found = await patiently(look)
    assert found is not None
    return found


async def said_of_log_keys(exchange: TestExchange) -> list[tuple[EntryType, object]]:
    """Return which log keys the entries add and give up."""
    return [(entry.type, entry.facts["vkey"]) for entry in await exchange.entries() if "log_key" in entry.type]


async def one_share(exchange: TestExchange) -> Answer:
    async with exchange.client() as client:
        return await client.share(share())


async def audit_with(exchange: TestExchange, key: Ed25519Verifier) -> Report:
    """Check the database as somebody who kept that key alone."""
    local = exchange.local
    password = local.secrets.role_passwords()["exchange_auditor"]
    async with open_stored_log(local.database_url, user="exchange_auditor", password=password) as stored:
        return await verify_log(stored, verifiers=[key])


async def audit_files_with(exchange: TestExchange, key: Ed25519Verifier) -> Report:
    """Check the published files as somebody who kept that key alone, once the newest entry is among them."""
    size = len(await exchange.entries())
    async with exchange.ledger("auditor") as ledger:

        async def all_published() -> Report | None:
            report = await verify_tiles(LedgerTiles(ledger), verifiers=[key])
            return report if report.size >= size else None

        found = await patiently(all_published)
    assert found is not None
    return found


def opens_with(answer: Answer, keys: ExchangeKeys, key: Ed25519Verifier) -> bool:
    """Return whether a receipt verifies for whoever holds that key alone."""
    try:
        answer.receipt_checkpoint(dataclasses.replace(keys, log_keys=(key,)))
    except IntegrityFailure:
        return False
    return True


async def test_from_the_first_key_to_the_next_receipts_and_the_audit_hold(exchange: TestExchange) -> None:
    old, new = (signer(exchange, name).verifier() for name in ("ledger-log", "ledger-log-next"))
    before = await one_share(exchange)

    await restart(exchange, key="ledger-log", following="ledger-log-next")
    assert await said_of_log_keys(exchange) == [(EntryType.LOG_KEY_ADDED, new.verifier_key())]
    keys = await published(exchange, count=2)
    assert keys.log_keys == (old, new)
    between = await one_share(exchange)
    assert [opens_with(between, keys, key) for key in (old, new)] == [True, True]
    report = await exchange.audit()
    assert report.intact, report.findings

    await restart(exchange, key="ledger-log-next")
    assert (await published(exchange, count=1)).log_keys == (new,)
    after = await one_share(exchange)
    assert [opens_with(after, keys, key) for key in (old, new)] == [False, True]
    assert [opens_with(before, keys, key) for key in (old, new)] == [True, False]
    # The guard's checkpoint is by the new key alone; the auditor began with the old one.
    report = await exchange.audit()
    assert report.intact, report.findings
    # Begun with either key, from the database and from the published files alone.
    for key in (old, new):
        for report in (await audit_with(exchange, key), await audit_files_with(exchange, key)):
            assert report.intact, report.findings
    stranger = Ed25519Verifier(old.name, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    for report in (await audit_with(exchange, stranger), await audit_files_with(exchange, stranger)):
        assert FindingKind.BAD_SIGNATURE in {each.kind for each in report.findings}
    assert await said_of_log_keys(exchange) == [
        (EntryType.LOG_KEY_ADDED, new.verifier_key()),
        (EntryType.LOG_KEY_RETIRED, old.verifier_key()),
    ]


async def test_a_ledger_with_a_key_that_was_never_announced_refuses_to_sign_and_says_why(
    exchange: TestExchange,
) -> None:
    with pytest.raises(Unavailable):
        await restart(exchange, key="ledger-log-unannounced")
    log = (exchange.local.layout.logs / "ledger.log").read_text()
    assert "no key that this ledger signs with is on record" in log


async def test_the_newest_key_is_not_given_up_as_compromised_when_the_files_are_mixed_up(
    exchange: TestExchange,
) -> None:
    await restart(exchange, key="ledger-log-next", following="ledger-log-third")
    await published(exchange, count=2)
    with pytest.raises(Unavailable):
        await restart(exchange, key="ledger-log-next", compromised_from=STOLEN)
    third = key_label(signer(exchange, "ledger-log-third").verifier().verifier_key())
    assert f"the newest log key, {third}, would be given up" in str(logged(exchange.local, "ledger_stopped")[-1])
    await restart(exchange, key="ledger-log-third")
    await published(exchange, count=1)


async def test_a_key_that_was_retired_once_is_never_announced_again(exchange: TestExchange) -> None:
    before = await said_of_log_keys(exchange)
    with pytest.raises(Unavailable):
        await restart(exchange, key="ledger-log-third", following="ledger-log")
    first = key_label(signer(exchange, "ledger-log").verifier().verifier_key())
    said = logged(exchange.local, "ledger_stopped")[-1]
    assert f"the log key {first} was given up" in str(said["detail"])
    assert "make a new key" in str(said["remedy"])
    await restart(exchange, key="ledger-log-third")
    assert await said_of_log_keys(exchange) == before


async def test_a_date_of_compromise_that_no_key_is_given_up_for_is_said(exchange: TestExchange) -> None:
    await restart(exchange, key="ledger-log-third", compromised_from=STOLEN)
    assert logged(exchange.local, "ledger_log_key_compromised_from_unused")
    # Nor was there anything to name somebody for.
    assert logged(exchange.local, "ledger_log_key_changed_by_unused")[-1]["by"] == BY


async def test_the_documented_rotation_after_a_theft_gives_up_the_stolen_key_on_one_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As an operator does it, with nothing but the environment that ``exchange run`` is started with."""
    layout, new_file = layout_of_its_own("exchange-rotated-"), tmp_path / "newlog.pem"
    new_file.write_bytes(new_signing_key_pem())
    new_file.chmod(0o600)

    @asynccontextmanager
    async def started(**settings: str) -> AsyncIterator[LocalExchange]:
        with monkeypatch.context() as environment:
            for name, value in settings.items():
                environment.setenv(name, value)
            kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
            local = LocalExchange(
                layout,
                announce=lambda _text: None,
                environment={**kept, "BROKER": "embedded"},
                options=Options(port=free_port()),
            )
            async with local:
                yield local

    try:
        async with started() as local:
            stolen = local.log_verifier_key()
        # A change of keys that nobody puts their account to is refused before anything is signed.
        with pytest.raises(Unavailable):
            async with started(LEDGER_LOG_KEY_NEXT_FILE=str(new_file)):
                pass
        assert "LEDGER_LOG_KEY_CHANGED_BY" in str(logged(local, "ledger_stopped")[-1]["remedy"])
        async with started(LEDGER_LOG_KEY_NEXT_FILE=str(new_file), LEDGER_LOG_KEY_CHANGED_BY=BY) as local:
            assert local.log_verifier_key() == stolen
            assert logged(local, "ledger_log_key_added"), "the ledger took office before its keys were on record"
        async with started(
            LEDGER_LOG_KEY_FILE=str(new_file),
            LEDGER_LOG_KEY_COMPROMISED_FROM="2026-11-20T00:00:00Z",
            LEDGER_LOG_KEY_CHANGED_BY=BY,
        ) as local:
            new = local.log_verifier_key()
            assert new != stolen
            assert read_addresses(layout).log_key == new
            assert (await audit_ledger(local)).intact
            assert logged(local, "ledger_log_key_retired")
            client = local.ledger_client("auditor")
            entries = [entry async for entry in client.stream(after=-1)]
            await client.close()
        said = [
            (entry.type, entry.facts["vkey"], entry.facts.get("compromised_from"), entry.facts.get("by"))
            for entry in entries
        ]
        assert said == [
            (EntryType.LEDGER_OPENED, stolen, None, None),
            (EntryType.LOG_KEY_ADDED, new, None, BY),
            (EntryType.LOG_KEY_RETIRED, stolen, STOLEN, BY),
        ]
        (retired,) = logged(local, "ledger_log_key_retired")
        assert (retired["key"], retired["compromised_from"]) == (key_label(stolen), STOLEN)
        assert retired["signing"] == logged(local, "ledger_writing")[-1]["log_keys"] == [key_label(new)]
        # Left out on a later start, the folder's own key is the stolen one: nothing is signed with it.
        with pytest.raises(Unavailable):
            async with started():
                pass
        assert f"the log key {key_label(stolen)} was given up" in str(logged(local, "ledger_stopped")[-1])
    finally:
        local.destroy()


async def test_a_key_that_a_forger_announced_in_the_database_is_not_believed() -> None:
    async with running_exchange() as exchange:
        await one_share(exchange)
        await restart(exchange, key="ledger-log", following="ledger-log-next")
        await one_share(exchange)
        for name in ("notifier", "gateway", "ledger"):
            await exchange.local.stop_service(name)
        position = await put_in_anothers_key(exchange, announced=signer(exchange, "ledger-log-next").verifier())
        report = await exchange.audit()
    found = {(each.kind, each.first_position) for each in report.findings}
    assert (FindingKind.EDITED_ENTRY, position) in found
    assert any(kind is FindingKind.BAD_SIGNATURE and first > position for kind, first in found)
