"""An auditor asks the running exchange who knew what, and replays it, as at any moment."""

import orjson
import pytest

from tests.machinery.answers import child_ref
from tests.machinery.command_line import Command
from tests.machinery.exchange import PRACTICE, SCHOOL, TestExchange
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_auditor_learns_who_knew_what_as_at_two_moments(exchange: TestExchange, command: Command) -> None:
    who = child()
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(who))
    ref = child_ref(shared)
    before = str(shared.content["recorded_at"])
    async with exchange.client(PRACTICE) as client:
        await client.withhold(withholding(who))
    await exchange.all_signed_for()
    code, said = await command("audit", "who-knew", ref)
    assert code == 0, said
    for expected in (
        "St Hilda's Primary, Darlington shared: level significant_harm",
        "Linthorpe Surgery, Middlesbrough withheld: reasons gdpr; challenges challenge-gdpr",
        "Darlington children's social care, because of entry",
        "received, signed for by its system",
        "opened the body of entry",
    ):
        assert expected in said
    code, said = await command("audit", "who-knew", ref, "--as-at", before, "--json")
    assert code == 0, said
    known = orjson.loads(said)
    assert [each["kind"] for each in known["decisions"]] == ["shared"]
    assert {each["state"] for each in known["told"]} == {"owed"}
    assert known["looks"] == []


async def test_a_replay_streams_the_very_bytes_that_the_ledger_keeps(exchange: TestExchange, command: Command) -> None:
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share())
    ref, moment = child_ref(shared), str(shared.content["recorded_at"])
    code, said = await command("audit", "replay", "--child", ref, "--as-at", moment)
    assert code == 0
    receipt = shared.content["receipt"]
    assert isinstance(receipt, dict)
    assert said.rstrip("\n") == receipt["entry"]
    code, said = await command("audit", "replay", "--state", "--child", ref, "--as-at", moment)
    assert code == 0
    state = orjson.loads(said)
    assert [each["child"] for each in state["children"]] == [ref]
    assert {each["state"] for each in state["told"]} == {"owed"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (("--child", "Tom Smith"), "not a child reference"),
        (("--agency", "No Such"), "not an agency id"),
        (("--authority", "Darlington"), "is no code in the register"),
        (("--authority", "E99999999"), "Give a GSS code"),
        (("--type", "share.refused"), "share.recorded, withholding.recorded"),
        (("--state", "--snapshot", "never", "--child", "Tom Smith"), "not a child reference"),
    ],
)
async def test_a_filter_that_can_match_nothing_is_refused(
    exchange: TestExchange, command: Command, filters: tuple[str, ...], expected: str
) -> None:
    code, said = await command("audit", "replay", *filters)
    assert code == 1, said
    assert expected in said
