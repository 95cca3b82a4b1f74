"""An auditor checks agencies' signatures: one opening on the record for the run, and stolen keys' work is marked."""

import orjson
import pytest

from client.exchange_client import ExchangeClient
from shared.clock import SystemClock, parse_rfc3339
from shared.errors import Conflict, InvalidInput, NotPermitted
from shared.identifiers import Position
from shared.ledger.audit_messages import OpenSignatures
from shared.signatures.keys import generate_signing_key
from tests.machinery.answers import child_ref
from tests.machinery.command_line import Command
from tests.machinery.exchange import SCHOOL, TestExchange, patiently
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_signatures_are_checked_by_one_recorded_opening_and_a_stolen_keys_work_is_marked(
    exchange: TestExchange, command: Command
) -> None:
    key = generate_signing_key()
    async with exchange.operator() as operator:
        await operator.add_key(SCHOOL.id, key.public)
        async with ExchangeClient(exchange.local.gateway_url, key=key) as client:
            before = await client.share(share())
            stolen = SystemClock().now()
            after = await client.share(share())
        await operator.revoke_key(key.public.thumbprint, reason="compromised", by="p.ellis", compromised_from=stolen)

    async def received_by_push() -> bool | None:
        received = [each for each in await exchange.entries() if each.type == "notification.received"]
        return any(each.facts["by"] == "push" for each in received) or None

    assert await patiently(received_by_push)
    size = len(await exchange.entries())
    code, said = await command("audit", "verify", "--signatures", "--json")
    assert code == 0, said
    report = orjson.loads(said)["signatures"]
    assert (report["bad"], report["not_as_signed"]) == ([], [])
    assert report["good"] >= 2
    assert report["receipts"] >= 1
    # Others of these tests erase children, and with them what their recipients' systems signed.
    assert report["receipts_not_whole"] == 0
    assert (report["bodies_compared"], report["bodies"]) == (False, 0)
    suspects = [each["position"] for each in report["suspects"] if each["key"] == key.public.thumbprint]
    assert suspects == [after.content["position"]]
    assert before.content["position"] not in suspects
    openings = [each for each in (await exchange.entries())[size:] if each.type == "audit.opened"]
    assert [each.facts["purpose"] for each in openings] == [f"audit:{report['run']}"]
    assert "compared" not in openings[0].facts
    assert openings[0].position == report["recorded_at_position"]
    code, said = await command("audit", "who-knew", child_ref(before), "--json")
    looks = [each for each in orjson.loads(said)["looks"] if each["purpose"] == f"audit:{report['run']}"]
    assert [(each["by"], each["section"], each["of"][0]) for each in looks] == [("auditor", "signature", 0)]
    assert parse_rfc3339(looks[0]["time"]) > stolen


async def test_a_report_says_what_was_not_checked(command: Command) -> None:
    code, said = await command("audit", "verify", "--signatures")
    assert code == 0, said
    assert "Not checked: that the sealed bodies are what was signed." in said
    code, said = await command("audit", "verify", "--signatures", "--bodies")
    assert code == 0, said
    assert "to be what was signed, 0 not, and could not open" in said
    assert "Receipts by recipients' systems:" in said
    assert "Not checked: that" not in said
    code, said = await command("audit", "verify", "--bodies")
    assert code == 2
    assert "Give --signatures too." in said
    for elsewhere in (("--url", "https://log.example"), ("--bundle", "ledger.zip")):
        code, said = await command("audit", "verify", "--signatures", *elsewhere)
        assert code == 2
        assert "signatures are sealed" in said


async def test_a_run_opens_the_range_that_it_recorded_and_no_other(exchange: TestExchange) -> None:
    async with exchange.ledger("auditor") as ledger:
        page = await ledger.open_signatures(OpenSignatures("a-run-of-tests", Position(0), Position(50), -1, 2))
        again = await ledger.open_signatures(OpenSignatures("a-run-of-tests", Position(0), Position(50), -1, 2))
        assert again == page
        with pytest.raises(Conflict):
            await ledger.open_signatures(OpenSignatures("a-run-of-tests", Position(0), Position(60), -1, 2))
        with pytest.raises(InvalidInput):
            await ledger.open_signatures(OpenSignatures("a-run-of-tests", Position(9), Position(3), -1, 2))
    for caller in ("gateway", "notifier", "operator"):
        async with exchange.ledger(caller) as ledger:
            with pytest.raises(NotPermitted):
                await ledger.open_signatures(OpenSignatures("a-run-of-tests", Position(0), Position(50), -1, 2))
