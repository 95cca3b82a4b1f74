"""A housing notice, end to end: the practice gets it, the placing agency only that there was a move, and no CSC any."""

import json
from pathlib import Path

import pytest

from tests.machinery.answers import codes, told
from tests.machinery.command_line import Command
from tests.machinery.exchange import DARLINGTON, PRACTICE, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, housing_notice, share

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_those_who_were_agreed_on_are_told_and_the_placing_agency_gets_no_detail(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as client:
        agreed = await client.post("/v1/housing-notices", housing_notice())
        moved = await client.post(
            "/v1/housing-notices",
            housing_notice(placed_by=PRACTICE.id, agreement={"status": "refused", "by": "parent"}),
        )
    assert told(agreed).keys() == {"agency:linthorpe-surgery", "queue:housing-notices"}
    assert told(moved).keys() == {"agency:linthorpe-surgery"}
    assert "housing-refusal-lawful" in codes(moved)
    assert moved.content["challenges"] == []

    async def pushed() -> dict[str, object] | None:
        events = await exchange.parties.pushed_to(PRACTICE)
        found = {str(each.data.entry["id"]): each.data.content for each in events}
        both = {str(answer.content["id"]) for answer in (agreed, moved)}
        return found if both <= found.keys() else None

    found = await patiently(pushed)
    assert found is not None
    assert "4 Example Court" in repr(found[str(agreed.content["id"])])
    assert found[str(moved.content["id"])] is None
    opened = {
        str(cause) for entry in await exchange.entries() if entry.type == "content.opened" for cause in entry.causes
    }
    assert str(agreed.content["id"]) in opened
    assert str(moved.content["id"]) not in opened


async def test_a_concern_after_a_refusal_reaches_childrens_social_care_by_itself(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(SCHOOL) as client:
        refused = await client.post(
            "/v1/housing-notices", housing_notice(who, agreement={"status": "refused", "by": "parent"})
        )
        concern = await client.share(share(who))
        status = await client.read_share(str(refused.content["id"]))
    assert refused.content["child"] == concern.content["child"]
    assert not any(recipient.startswith("authority:") for recipient in told(refused))
    assert DARLINGTON.takes_pushes_as in told(concern)
    assert status.content["type"] == "housing_notice.recorded"


async def test_a_housing_notice_is_sent_from_the_command_line_and_by_no_other_command(
    exchange: TestExchange, command: Command, tmp_path: Path
) -> None:
    key, record, kept = exchange.parties.key_file(SCHOOL), tmp_path / "notice.json", tmp_path / "kept"
    record.write_text(json.dumps(housing_notice()))
    code, said = await command("share", record, "--key", key)
    assert (code, "Use: exchange housing-notice" in said) == (1, True), said
    code, said = await command("housing-notice", record, "--key", key, "--keep", kept)
    assert (code, "verified offline" in said) == (0, True), said
    recorded = json.loads(kept.read_bytes())["id"]
    assert {each.type for each in await exchange.entries() if each.id == recorded} == {"housing_notice.recorded"}
