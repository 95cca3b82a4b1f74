"""A retention run proposes; it acts once two others approved; holds and news of a child stop it even then."""

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from shared.clock import SystemClock
from shared.reference.retention import COLUMNS
from tests.machinery.answers import child_ref
from tests.machinery.command_line import Command, command_on
from tests.machinery.exchange import TestExchange, running_exchange
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own() -> AsyncIterator[TestExchange]:
    """An exchange of its own: a run looks at every child there is."""
    async with running_exchange() as exchange:
        yield exchange


@pytest.fixture
def command(own: TestExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``exchange …`` against that exchange; gives its exit code and all that it said."""
    return command_on(own, monkeypatch, capsys)


@pytest.fixture
def at_once(tmp_path: Path) -> Path:
    """A controller's own schedule, by which everything may go the day it is closed."""
    path = tmp_path / "schedule.csv"
    classes = ("early_help", "child_in_need", "child_protection", "looked_after")
    rows = [f"{name},{rank},any,closure,0,,2026-01-01,a test" for rank, name in enumerate(classes)]
    path.write_text("\n".join((",".join(COLUMNS), *rows, "")))
    return path


async def test_a_run_is_proposed_approved_by_two_and_carried_out_but_for_what_is_held_or_has_moved_on(
    own: TestExchange, command: Command, at_once: Path
) -> None:
    who = [child() for _ in range(3)]
    async with own.client() as client:
        goes, held, moves = [child_ref(await client.share(share(each))) for each in who]
        await own.all_signed_for()
        code, said = await command("retention", "propose", "--by", "p.ellis")
        assert code == 0, said
        next_on = date.fromisoformat(
            found(r"nothing is due \(not due yet: 3, the next on ([0-9-]{10}); due but under a hold: 0\)", said)
        )
        assert next_on > SystemClock().now().date()
        code, said = await command("retention", "propose", "--by", "p.ellis", "--schedule", at_once)
        assert code == 0, said
        assert all(f"{each}  child_protection  due " in said for each in (goes, held, moves))
        run = found(r"run ([0-9a-f]{32}) is proposed", said)

        assert (await command("retention", "approve", run, "--by", "p.ellis"))[0] == 1
        code, said = await command("erasure", "approve", run, "--by", "q.harrow")
        assert (code, "that is a retention run" in said) == (1, True)
        assert (await command("retention", "approve", run, "--by", "q.harrow"))[0] == 0
        code, said = await command("erasure", "carry-out", run, "--by", "t.oake")
        assert (code, said.count("NOT erased: 1 of 2 have approved")) == (1, 3)
        assert (await command("retention", "approve", run, "--by", "r.dunmore"))[0] == 0

        code, said = await command(
            "hold", "place", held, "--authority", "inquiries_act_2005_s21", "--reason", "inquiry", "--by", "s.vane"
        )
        hold = found(r"hold ([0-9a-f]{32}) is in force", said)
        assert child_ref(await client.share(share(who[2]))) == moves
        code, said = await command("erasure", "carry-out", run, "--by", "t.oake")
    assert code == 1
    assert f"child:{goes} is erased" in said
    assert f"child:{held} is NOT erased: a legal hold is in force on this child, {hold}: " in said
    assert "See: exchange hold list" in said
    assert f"child:{moves} is NOT erased" in said
    assert hold in (await command("hold", "list"))[1]
    # A new run leaves out what is held, so that nobody approves it unawares.
    await own.all_signed_for()
    code, said = await command("retention", "propose", "--by", "p.ellis", "--schedule", at_once)
    assert (moves in said, held in said, goes in said) == (True, False, False)
    assert "not due yet: 0; due but under a hold: 1" in said
    assert (await command("hold", "lift", hold, "--reason", "inquiry_over", "--by", "s.vane"))[0] == 0
    report = await own.audit()
    assert report.intact, report.findings


async def test_the_command_line_erases_a_child_that_two_others_approved(own: TestExchange, command: Command) -> None:
    async with own.client() as client:
        about = child_ref(await client.share(share()))
    ground = ("--authority", "uk_gdpr_art_17_1_b", "--reason", "consent_withdrawn", "--by", "p.ellis")
    code, said = await command("erasure", "request", "--child", about, *ground, "--note", "Asked for by Ada Thorne.")
    assert code == 0, said
    proposal = found(r"([0-9a-f]{32}) is proposed", said)
    code, said = await command("retention", "approve", proposal, "--by", "q.harrow")
    assert (code, f"exchange erasure approve {proposal}" in said) == (1, True)
    for by in ("q.harrow", "r.dunmore"):
        assert (await command("erasure", "approve", proposal, "--by", by))[0] == 0
    assert proposal in (await command("erasure", "list"))[1]
    code, said = await command("erasure", "carry-out", proposal, "--by", "t.oake")
    assert (code, f"child:{about} is erased" in said) == (0, True)
    assert (await command("erasure", "carry-out", proposal, "--by", "t.oake"))[0] == 1
    code, said = await command("audit", "verify")
    assert code == 0, said
    assert "of them erased on the record" in said


async def test_a_proposal_that_is_withdrawn_is_listed_as_such_and_erases_nothing(
    own: TestExchange, command: Command
) -> None:
    async with own.client() as client:
        about = child_ref(await client.share(share()))
    ground = ("--authority", "uk_gdpr_art_17_1_b", "--reason", "consent_withdrawn", "--by", "p.ellis")
    code, said = await command("erasure", "request", "--child", about, *ground)
    assert code == 0, said
    proposal = found(r"([0-9a-f]{32}) is proposed", said)
    assert (await command("erasure", "approve", proposal, "--by", "q.harrow"))[0] == 0
    said = (await command("erasure", "list"))[1]
    assert re.search(f"{proposal}  erasure proposed 20[^ ]+Z by p.ellis, [0-9]+ minutes? ago", said), said
    assert f"would erase: all that is known of child {about}" in said
    assert "missing: 1 approval, not by p.ellis or q.harrow" in said

    why = ("--reason", "asked_in_error", "--by", "q.harrow", "--note", "Asked by Ada Thorne for another child.")
    assert (await command("erasure", "withdraw", proposal, *why))[0] == 0
    (recorded,) = [each for each in await own.entries() if each.type == "erasure.withdrawn"]
    assert recorded.facts == {"proposal": proposal, "reason": "asked_in_error", "by": "q.harrow"}
    assert "note" in recorded.commitments
    for act, *more in (("approve", "--by", "r.dunmore"), ("carry-out", "--by", "t.oake"), ("withdraw", *why)):
        code, said = await command("erasure", act, proposal, *more)
        assert (code, f"was withdrawn by q.harrow (entry {recorded.position})" in said) == (1, True), said
    said = (await command("erasure", "list"))[1]
    assert re.search(f"{proposal}  withdrawn 20[^ ]+Z by q.harrow: asked_in_error", said), said
    assert f"{proposal}  erasure" not in said
    assert not [each for each in await own.entries() if each.type == "erasure.recorded" and about in str(each.facts)]
    report = await own.audit()
    assert report.intact, report.findings


async def test_a_run_can_be_withdrawn_and_proposed_anew(own: TestExchange, command: Command, at_once: Path) -> None:
    async with own.client() as client:
        about = child_ref(await client.share(share()))
        await own.all_signed_for()
    said = (await command("retention", "propose", "--by", "p.ellis", "--schedule", at_once))[1]
    run = found(r"run ([0-9a-f]{32}) is proposed", said)
    assert about in said
    assert (await command("erasure", "withdraw", run, "--reason", "wrong_schedule", "--by", "p.ellis"))[0] == 0
    code, said = await command("retention", "approve", run, "--by", "q.harrow")
    assert (code, "was withdrawn by p.ellis" in said) == (1, True), said
    said = (await command("retention", "propose", "--by", "p.ellis", "--schedule", at_once))[1]
    assert about in said
    report = await own.audit()
    assert report.intact, report.findings


@pytest.mark.parametrize("target", ["--child", "--entry"])
async def test_nobody_is_asked_to_approve_erasing_what_is_not_there(
    own: TestExchange, command: Command, target: str
) -> None:
    before = len(await own.entries())
    ground = ("--authority", "uk_gdpr_art_17_1_b", "--reason", "consent_withdrawn", "--by", "p.ellis")
    code, said = await command("erasure", "request", target, "0" * 32, *ground)
    assert code == 1
    assert "there is no" in said
    assert "exchange audit replay" in said
    assert not [each for each in (await own.entries())[before:] if each.type == "erasure.proposed"]


@pytest.mark.parametrize("days", [1, 365, 36_500])
async def test_no_run_is_proposed_as_at_a_day_that_has_not_come(own: TestExchange, command: Command, days: int) -> None:
    day = SystemClock().now().date() + timedelta(days=days)
    code, said = await command("retention", "propose", "--by", "p.ellis", "--as-at", day)
    assert (code, f"{day} has not come" in said) == (1, True)


def found(pattern: str, said: str) -> str:
    match = re.search(pattern, said)
    assert match is not None, said
    return match[1]
