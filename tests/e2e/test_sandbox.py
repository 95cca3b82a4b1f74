"""A sandbox, through the real processes: time and faults on demand, signatures explained, no real number kept."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import orjson
import pytest
import pytest_asyncio

from client.errors import NotReached, Refused, Unproven
from client.exchange_client import ExchangeClient
from client.retrying import Retrying
from deploy.local.layout import Layout
from deploy.local.sandbox import sandbox_settings
from services.gateway.bootstrap import run_gateway
from services.gateway.sandbox.faults import Fault
from shared.clock import SystemClock
from shared.errors import InvalidInput
from shared.process.settings import GatewaySettings
from shared.signatures.content_digest import content_digest
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request
from tests.machinery.answers import told
from tests.machinery.exchange import SCHOOL, TestExchange, patiently, running_exchange
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")

Json = dict[str, object]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestExchange]:
    """An exchange that is a sandbox."""
    beside = Layout(tmp_path_factory.mktemp("beside"))
    async with running_exchange(**sandbox_settings(beside)) as exchange:
        yield exchange


async def ask(sandbox: TestExchange, method: str, path: str, body: object = None) -> tuple[int, Json]:
    """Ask one of the sandbox's own routes."""
    url = f"{sandbox.local.gateway_url}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as response:
        return response.status, orjson.loads(await response.read())


async def test_a_deadline_that_the_clock_steps_over_is_overdue_and_signatures_go_on_holding(
    sandbox: TestExchange,
) -> None:
    async with sandbox.client() as client:
        answer = await client.share(share(child(address={"authority": "E10000003"})))
        (owed,) = told(answer).values()
        due_at = datetime.fromisoformat(owed.due_at)
        status, clock = await ask(
            sandbox, "POST", "/sandbox/clock", {"to": (due_at + timedelta(minutes=1)).isoformat()}
        )
        assert status == 200
        assert datetime.fromisoformat(str(clock["now"])) > due_at

        async def said_to_be_overdue() -> list[str] | None:
            found = [each for each in await sandbox.entries() if each.type == "notification.overdue"]
            for each in found:
                if each.facts["obligation"] == owed.obligation:
                    return [str(one.recipient) for one in each.obligations]
            return None

        chased = await patiently(said_to_be_overdue)
        assert chased is not None
        # Whoever has not answered is chased, and whoever told of the child hears that nobody has.
        assert {"authority:E10000003", f"agency:{SCHOOL.id}"} <= set(chased)
        later = await client.share(share())
    assert datetime.fromisoformat(str(later.content["recorded_at"])) > due_at
    assert (await ask(sandbox, "POST", "/sandbox/clock", {"to": "2026-01-01T00:00:00Z"}))[0] == 422
    both = {"to": (due_at + timedelta(hours=1)).isoformat(), "hours": 1}
    assert (await ask(sandbox, "POST", "/sandbox/clock", both))[0] == 422
    report = await sandbox.audit()
    assert report.intact, report.findings


async def test_a_referrer_hears_after_one_working_day_that_nobody_took_a_routine_share_up(
    sandbox: TestExchange,
) -> None:
    async with sandbox.client() as client:
        concern = {"level": "early_help", "seen_or_said": "Often late, and tired on Mondays."}
        answer = await client.share(share(child(address={"authority": "E10000003"}), concern=concern))
        owed = told(answer)["authority:E10000003"]
        due_at = datetime.fromisoformat(owed.due_at)
        to = due_at - timedelta(hours=1)
        assert (await ask(sandbox, "POST", "/sandbox/clock", {"to": to.isoformat()}))[0] == 200

        async def said() -> list[tuple[str, list[str]]] | None:
            return [
                (str(each.facts["state"]), [str(one.recipient) for one in each.obligations])
                for each in await sandbox.entries()
                if each.type == "notification.overdue" and each.facts["obligation"] == owed.obligation
            ] or None

        assert await patiently(said) == [("unanswered", [f"agency:{SCHOOL.id}"])]


def client_that_meets(sandbox: TestExchange, fault: Fault) -> ExchangeClient:
    """A client that tries once, with a fault."""
    return ExchangeClient(
        sandbox.local.gateway_url,
        key=sandbox.parties.key(SCHOOL),
        retrying=Retrying(attempts=1),
        headers={"sandbox-fault": fault},
    )


@pytest.mark.parametrize(
    ("fault", "error", "recorded"),
    [
        (Fault.UNAVAILABLE, NotReached, False),
        (Fault.LOST_REQUEST, NotReached, False),
        (Fault.LOST_ANSWER, NotReached, True),
        (Fault.UNSIGNED_ANSWER, Unproven, True),
        (Fault.ALTERED_ANSWER, Unproven, True),
    ],
)
async def test_a_client_takes_a_fault_well_and_what_it_sends_again_is_recorded_once(
    sandbox: TestExchange, fault: Fault, error: type[NotReached], *, recorded: bool
) -> None:
    body, key = orjson.dumps(share()), secrets.token_hex(8)
    before = len(await sandbox.entries())

    async def shares() -> int:
        return sum(each.type == "share.recorded" for each in (await sandbox.entries())[before:])

    async with client_that_meets(sandbox, fault) as unlucky:
        with pytest.raises(error) as failed:
            await unlucky.post_bytes("/v1/shares", body, idempotency_key=key)
    assert type(failed.value) is error
    assert await shares() == recorded
    async with sandbox.client() as client:
        answer = await client.post_bytes("/v1/shares", body, idempotency_key=key)
    assert answer.status == 201
    assert await shares() == 1


async def test_a_fault_of_another_name_says_which_there_are(sandbox: TestExchange) -> None:
    url = f"{sandbox.local.gateway_url}/livez"
    async with aiohttp.ClientSession(headers={"sandbox-fault": "earthquake"}) as session, session.get(url) as answer:
        refused = orjson.loads(await answer.read())
    assert (answer.status, refused["type"]) == (422, "/problems/sandbox-no-such-fault")
    assert all(fault.value in refused["remedy"] for fault in Fault)


async def test_a_signature_by_a_registered_key_is_explained(sandbox: TestExchange) -> None:
    body = '{"rationale": "so that he is safe"}'
    authority = sandbox.local.gateway_url.removeprefix("http://")
    key = sandbox.parties.key(SCHOOL)
    headers = {
        "host": authority,
        "content-type": "application/json",
        "content-digest": content_digest(body.encode()),
        "idempotency-key": "one",
    }

    def signed(target: bytes) -> Json:
        parts = RequestParts("POST", authority, target, headers)
        created = int(SystemClock().now().timestamp())
        signature = sign_request(parts, key=key, tag=Tag.REQUEST, created=created, nonce="n" * 16, has_body=True)
        return {"target": "/v1/shares", "headers": {**headers, **signature}, "body": body}

    status, good = await ask(sandbox, "POST", "/sandbox/explain-signature", signed(b"/v1/shares"))
    assert (status, good["admitted"], good["signature_is_over"]) == (200, True, "expected")
    mine = str(good["expected_signature_base"]).replace("/v1/shares", "/v1/share")
    _, bad = await ask(sandbox, "POST", "/sandbox/explain-signature", {**signed(b"/v1/share"), "signature_base": mine})
    assert (bad["admitted"], bad["problem"]["code"]) == (False, "signature-invalid")  # type: ignore[index]
    difference = bad["first_difference"]
    assert isinstance(difference, dict)
    assert (difference["component"], difference["line"]) == ('"@path"', 3)
    assert (await ask(sandbox, "POST", "/sandbox/explain-signature", {"headers": {}}))[0] == 422


async def test_a_real_number_is_refused_and_nothing_of_it_is_kept(sandbox: TestExchange) -> None:
    who = child(identifiers=[{"scheme": "nhs_number", "value": "943 476 5919", "traced": True}])
    before = len(await sandbox.entries())
    url = f"{sandbox.local.gateway_url}/v1/shares"
    async with aiohttp.ClientSession() as session, session.post(url, json=share(who)) as answer:
        refused = orjson.loads(await answer.read())
    assert (answer.status, refused["type"]) == (422, "/problems/sandbox-real-number")
    async with sandbox.client() as client:
        with pytest.raises(Refused) as refusal:
            await client.share(share(who))
    assert refusal.value.problem.code == "sandbox-real-number"
    assert not [each for each in (await sandbox.entries())[before:] if each.type == "share.recorded"]


async def test_a_gateway_in_production_is_no_sandbox(sandbox: TestExchange, tmp_path: Path) -> None:
    environment = sandbox.local.service_environment("gateway")
    settings = GatewaySettings(
        ledger_address=environment["GATEWAY_LEDGER_ADDRESS"],
        signing_key_file=Path(environment["GATEWAY_SIGNING_KEY_FILE"]),
        production=True,
        sandbox_clock_file=tmp_path / "clock",
    )
    with pytest.raises(InvalidInput, match="cannot be a sandbox"):
        await run_gateway(settings, stop=asyncio.Event())


async def test_another_exchange_has_none_of_it(exchange: TestExchange) -> None:
    assert (await ask(exchange, "GET", "/sandbox/clock"))[0] == 404
    async with client_that_meets(exchange, Fault.LOST_REQUEST) as client:
        assert (await client.share(share())).status == 201
