"""Auditors over signed HTTP: metadata freely, sealed content only by break-glass, and nobody else at all."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.errors import Refused
from client.exchange_client import ExchangeClient
from services.ledger.domain.sealing import SALT_BYTES
from shared.canonical_json import Json
from shared.entries import parse_entry
from shared.entry_types import REGISTRY_TYPES
from shared.errors import NotPermitted
from shared.ledger.audit_messages import BreakGlass
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import NoteSigner
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.answers import child_ref
from tests.machinery.auditors import register_auditor
from tests.machinery.command_line import Command
from tests.machinery.exchange import SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")

AUDITOR = "tees-partnership"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auditor(exchange: TestExchange, tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """The key of an agency that is registered as an auditor."""
    return (await register_auditor(exchange, AUDITOR, tmp_path_factory.mktemp("auditor"))).key


@asynccontextmanager
async def signed_by(exchange: TestExchange, key: SigningKey) -> AsyncIterator[ExchangeClient]:
    """Give a client that signs with a key."""
    async with ExchangeClient(exchange.local.gateway_url, key=key) as client:
        yield client


async def test_an_auditor_reads_the_log_and_its_checkpoint(exchange: TestExchange, auditor: SigningKey) -> None:
    verifier = parse_verifier_key(exchange.local.log_verifier_key())
    async with signed_by(exchange, auditor) as client, exchange.ledger("auditor") as ledger:

        async def beyond_the_first() -> Checkpoint | None:
            note = (await client.get("/v1/audit/checkpoint")).body
            found = open_checkpoint(note, [verifier])
            return found if found.size > 5 and note == await ledger.tile("checkpoint") else None

        checkpoint = await patiently(beyond_the_first)
        page = (await client.get("/v1/audit/entries?after=2&limit=3")).body
        with pytest.raises(Refused) as refused:
            await client.get("/v1/audit/entries?after=x")
    lines = page.splitlines()
    assert checkpoint is not None, "what is served is never what is published"
    assert [orjson.loads(line)["position"] for line in lines] == [3, 4, 5]
    assert refused.value.problem.status == 422


async def test_an_auditor_reads_who_takes_part(exchange: TestExchange, auditor: SigningKey) -> None:
    async with exchange.client(SCHOOL) as client:
        await client.share(share())
    async with signed_by(exchange, auditor) as client:
        first = (await client.get("/v1/audit/registry?limit=1")).body
        page = (await client.get("/v1/audit/registry?after=0&limit=1000")).body
    entries = [parse_entry(line) for line in (first + page).splitlines()]
    assert [each for each in await exchange.entries() if each.type in REGISTRY_TYPES] == entries
    assert any(each.facts.get("agency") == AUDITOR for each in entries)


async def test_an_auditor_verifies_the_whole_log_through_the_gateway(
    exchange: TestExchange, auditor: SigningKey, command: Command, tmp_path: Path
) -> None:
    pem = tmp_path / "auditor.pem"
    pem.write_bytes(auditor.pem())
    pem.chmod(0o600)
    url, log_key = exchange.local.gateway_url, exchange.local.log_verifier_key()
    there = ("audit", "verify", "--url", url, "--log-key", log_key)
    code, said = await command(*there, "--key", pem)
    assert code == 0, said
    assert f"Checked with the log key {log_key}, which you gave." in said
    assert "Nothing was altered" in said
    async with exchange.ledger("auditor") as ledger:
        (tmp_path / "kept").write_bytes(await ledger.tile("checkpoint"))
    code, said = await command(*there, "--key", pem, "--since", tmp_path / "kept")
    size = read_unverified_checkpoint((tmp_path / "kept").read_bytes()).size
    assert (code, f"Held against the checkpoints that you kept: of {size} entries." in said) == (0, True), said
    stranger = NoteSigner(exchange.local.options.origin, Ed25519PrivateKey.generate()).verifier().verifier_key()
    code, said = await command("audit", "verify", "--url", url, "--key", pem, "--log-key", stranger)
    assert code == 1
    assert "bad_signature" in said
    # Whoever may not look has found nothing: not that all is well, and no falsification either.
    pem.write_bytes(generate_signing_key().pem())
    for no_auditor in (pem, exchange.parties.key_file(SCHOOL)):
        code, said = await command(*there, "--key", no_auditor)
        assert code == 2
        assert said.startswith("error: could not be checked: ")
        assert "INTACT" not in said
        assert "Nothing was altered" not in said
    code, said = await command(*there)
    assert (code, "give --key too" in said, "INTACT" in said) == (2, True, False), said


async def test_an_auditor_asks_who_knew_what(exchange: TestExchange, auditor: SigningKey) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
    ref, moment = child_ref(shared), shared.content["recorded_at"]
    async with signed_by(exchange, auditor) as client:
        known = (await client.get(f"/v1/audit/children/{ref}/who-knew?as_at={moment}")).content
    assert known["child"] == ref
    assert known["entries"] == 1


async def test_a_question_with_a_misspelt_member_is_refused_and_not_answered_as_of_now(
    exchange: TestExchange, auditor: SigningKey
) -> None:
    async with exchange.client(SCHOOL) as client:
        ref = child_ref(await client.share(share()))
    moment = "2020-01-01T00:00:00Z"
    async with signed_by(exchange, auditor) as client:
        for path, taken in (
            (f"/v1/audit/children/{ref}/who-knew?as-at={moment}", "as_at"),
            ("/v1/audit/entries?from=2", "after, limit"),
            (f"/v1/children/{ref}/chronology?as-at={moment}", "as_at, after, limit"),
        ):
            with pytest.raises(Refused) as refused:
                await client.get(path)
            assert (refused.value.problem.status, refused.value.problem.code) == (422, "invalid-input")
            assert refused.value.problem.remedy == f"Taken here, each once: {taken}."
        for path in ("/v1/audit/checkpoint", "/v1/agency", f"/v1/shares/{ref}"):
            with pytest.raises(Refused) as refused:
                await client.get(f"{path}?as_at={moment}")
            assert (refused.value.problem.status, refused.value.problem.code) == (422, "invalid-input")
        with pytest.raises(Refused) as refused:
            await client.get(f"/v1/audit/children/{ref}/who-knew?as_at=2026-11-24T11:00:00+01:00")
        assert "%2B" in refused.value.problem.remedy


async def test_break_glass_shows_the_content_and_is_an_entry_that_others_see(
    exchange: TestExchange, auditor: SigningKey
) -> None:
    who, body = child(), "I saw the mark myself."
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(who, rationale=body))
    record = {"entry": shared.content["id"], "section": "body", "reason": "practice_review", "note": "Review 2026/3."}
    async with signed_by(exchange, auditor) as client:
        opened = await client.post("/v1/audit/openings", record, idempotency_key="one-look-only")
        again = await client.post("/v1/audit/openings", record, idempotency_key="one-look-only")
        known = (await client.get(f"/v1/audit/children/{child_ref(shared)}/who-knew")).content
    content = orjson.loads(base64.b64decode(str(opened.content["content_base64"])))
    assert content["rationale"] == body
    assert len(base64.b64decode(str(opened.content["salt_base64"]))) == SALT_BYTES
    assert again.content == opened.content, "the same request is the same look"
    looks = [each for each in msg_list(known["looks"]) if each["purpose"] == "break-glass:practice_review"]
    assert [(each["by"], each["section"]) for each in looks] == [(AUDITOR, "body")]
    entry = next(each for each in await exchange.entries() if each.position == looks[0]["position"])
    assert set(entry.commitments) == {"body", "signature", "note"}
    assert entry.facts["reason"] == "practice_review"
    assert (await exchange.audit()).intact


def msg_list(value: object) -> list[dict[str, object]]:
    """Return a list of objects as such."""
    assert isinstance(value, list)
    return value


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"reason": "curiosity"}, 422, "opening-unexplained"),
        ({"note": " "}, 422, "opening-unexplained"),
        ({"section": "diary"}, 404, "not-found"),
        ({"entry": "0" * 32}, 404, "not-found"),
    ],
)
async def test_an_opening_that_cannot_be_is_refused_and_opens_nothing(
    exchange: TestExchange, auditor: SigningKey, change: dict[str, str], status: int, code: str
) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
    record = {"entry": str(shared.content["id"]), "section": "body", "reason": "complaint", "note": "Complaint 7."}
    async with signed_by(exchange, auditor) as client:
        with pytest.raises(Refused) as refused:
            await client.post("/v1/audit/openings", {**record, **change})
    assert (refused.value.problem.status, refused.value.problem.code) == (status, code)
    openings = [each for each in await exchange.entries() if each.facts.get("reason") == "complaint"]
    assert openings == []


BODIES: dict[str, dict[str, Json]] = {
    "openings": {"entry": "a" * 32, "section": "body", "reason": "inspection", "note": "Because."},
    "signatures": {
        "run": "a-run-by-a-school",
        "size": 9,
        "after": -1,
        "limit": 9,
        "compared": "none",
        "reason": "integrity",
        "note": "Because.",
    },
}


@pytest.mark.parametrize(
    "path",
    ["checkpoint", "tile/0/000", "entries", "registry", "children/" + "a" * 32 + "/who-knew", "openings", "signatures"],
)
async def test_nobody_else_may_audit(exchange: TestExchange, path: str) -> None:
    target = f"/v1/audit/{path}"
    async with exchange.client(SCHOOL) as client:
        asking = client.post(target, BODIES[path]) if path in BODIES else client.get(target)
        with pytest.raises(Refused) as refused:
            await asking
    assert (refused.value.problem.status, refused.value.problem.code) == (403, "not-an-auditor")


async def test_the_gateway_alone_cannot_open_anything(exchange: TestExchange) -> None:
    """G13: without an auditor's own signature the ledger opens nothing for the gateway."""
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
    asked = BreakGlass(str(shared.content["id"]), "body", "inspection", "A stolen gateway asks.")  # type: ignore[arg-type]
    async with exchange.ledger("gateway") as ledger:
        with pytest.raises(NotPermitted):
            await ledger.break_glass(asked)


async def test_a_role_that_does_not_exist_is_refused(command: Command) -> None:
    code, said = await command(
        "agency", "add", "some-body", "--name", "S", "--duty-class", "s11_body", "--home-authority", "E06000005",
        "--role", "superuser",
    )  # fmt: skip
    assert code == 1
    assert "is no role" in said
