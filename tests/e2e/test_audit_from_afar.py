"""An auditor far away asks by the gateway what one beside the ledger asks it, and is told the same."""

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from cli import audit_signatures, gateway_auditing
from cli.gateway_auditing import GatewayAuditing
from client.errors import NotReached, Refused
from client.exchange_client import ExchangeClient
from shared.canonical_json import Json
from shared.clock import SystemClock, rfc3339
from shared.identifiers import ChildRef
from tests.machinery.answers import child_ref
from tests.machinery.auditors import FarAuditor, register_auditor
from tests.machinery.command_line import Command
from tests.machinery.exchange import PRACTICE, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = 7


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_auditing, "PAGE_LIMIT", PAGE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auditor(exchange: TestExchange, tmp_path_factory: pytest.TempPathFactory) -> FarAuditor:
    return await register_auditor(exchange, "a-far-auditor", tmp_path_factory.mktemp("auditor"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(exchange: TestExchange, auditor: FarAuditor) -> ChildRef:
    """A child of whom something was shared and withheld."""
    who = child()
    async with exchange.client(SCHOOL) as client:
        shared = await client.share(share(who))
    async with exchange.client(PRACTICE) as client:
        await client.withhold(withholding(who))
    await exchange.all_signed_for()
    return child_ref(shared)


@pytest.mark.parametrize(
    "filters",
    [
        (),
        ("--child", "CHILD"),
        ("--agency", SCHOOL.id),
        ("--authority", "E06000005"),
        ("--type", "content.opened"),
        ("--after", "5"),
        ("--after", "5", "--child", "CHILD", "--type", "share.recorded"),
        ("--state",),
        ("--state", "--child", "CHILD"),
    ],
    ids=" ".join,
)
async def test_a_replay_from_afar_is_the_very_bytes_of_one_beside_the_ledger(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef, command: Command, filters: Sequence[str]
) -> None:
    asked = [known if each == "CHILD" else each for each in filters]
    moment = rfc3339(SystemClock().now())
    beside = await command("audit", "replay", *asked, "--as-at", moment)
    afar = await command("audit", "replay", *asked, "--as-at", moment, *auditor.options())
    assert beside[0] == 0, beside
    assert afar == beside
    assert len(beside[1]) > 1000, "there was something to replay"


async def test_a_replay_that_breaks_off_says_where_to_go_on_and_goes_on_there(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = ("--as-at", rfc3339(SystemClock().now()))
    _, whole = await command("audit", "replay", *until)
    reading = GatewayAuditing._page

    async def lost(self: GatewayAuditing, route: str, *, after: int) -> list[bytes]:
        if after > PAGE:
            raise NotReached("the exchange cannot be reached")
        return await reading(self, route, after=after)

    with monkeypatch.context() as patched:
        patched.setattr(GatewayAuditing, "_page", lost)
        code, begun = await command("audit", "replay", *until, *auditor.options())
    reached = 2 * PAGE - 1
    had = "".join(begun.splitlines(keepends=True)[: reached + 1])
    assert (code, f"Broken off after entry {reached}: go on with --after {reached}." in begun) == (1, True), begun
    code, rest = await command("audit", "replay", *until, "--after", reached, *auditor.options())
    assert (code, had + rest) == (0, whole)


async def test_entries_that_a_gateway_leaves_out_are_missed(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = GatewayAuditing._page

    async def without_the_fourth(self: GatewayAuditing, route: str, *, after: int) -> list[bytes]:
        page = await reading(self, route, after=after)
        return page if after != -1 else page[:3] + page[4:]

    monkeypatch.setattr(GatewayAuditing, "_page", without_the_fourth)
    code, said = await command("audit", "replay", *auditor.options())
    assert code == 1
    assert "where entry 3 should stand is entry 4" in said


async def test_the_state_is_kept_from_afar_and_held_against_the_key_that_the_auditor_kept(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef, command: Command, tmp_path: Path
) -> None:
    kept = ("audit", "replay", "--state", "--child", known, "--snapshot", tmp_path / "kept", *auditor.options())
    code, said = await command(*kept)
    assert code == 1, said
    assert "Give the log's verifier key" in said
    trusting = ("--log-key", exchange.local.log_verifier_key())

    async def published() -> object:
        code, said = await command(*kept, *trusting)
        assert code == 0, said
        state = orjson.loads(said)
        return state if any(each["withholdings"] for each in state["children"]) else None

    state = await patiently(published)
    assert state is not None, "what is recorded is never published"
    code, said = await command("audit", "replay", "--state", "--child", known, *trusting, *auditor.options())
    assert (code, "is what a snapshot is held against" in said) == (1, True)


async def test_an_auditor_far_away_learns_who_knew_what(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef, command: Command
) -> None:
    for form in ((), ("--json",)):
        asked = ("audit", "who-knew", known, "--as-at", rfc3339(SystemClock().now()), *form)

        async def the_same(asked: Sequence[object] = asked) -> str | None:
            # What is published in between is counted in the second answer alone.
            beside, afar = await command(*asked), await command(*asked, *auditor.options())
            assert (beside[0], afar[0]) == (0, 0), afar
            return afar[1] if beside == afar else None

        said = await patiently(the_same)
        assert said is not None, "from afar who knew what is another thing"
        assert ("St Hilda's Primary, Darlington shared" in said) == (form == ())
        assert "gdpr" in said


async def test_signatures_are_checked_from_afar_against_a_reason_as_one_opening_by_the_auditor(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_signatures, "PAGE_LIMIT", 2)
    size, trusting = len(await exchange.entries()), ("--log-key", exchange.local.log_verifier_key())
    checking = ("audit", "verify", "--signatures", *trusting, *auditor.options())
    code, said = await command(*checking)
    assert (code, "Give --note, why in words" in said) == (2, True), said
    code, said = await command(*checking, "--note", "Plan, section 2.", "--bodies", "--json")
    assert code == 0, said
    report = orjson.loads(said)["signatures"]
    assert (report["bad"], report["not_as_signed"], report["bodies_not_openable"]) == ([], [], 0)
    assert report["good"] >= 2
    assert report["bodies"] >= 2
    openings = [each for each in (await exchange.entries())[size:] if each.type == "audit.opened"]
    assert [(each.agency, each.facts["reason"], each.position) for each in openings] == [
        (auditor.agency, "integrity", report["recorded_at_position"])
    ]
    assert set(openings[0].commitments) == {"body", "signature", "note"}
    code, said = await command("audit", "openings", "--since", openings[0].time, *auditor.options())
    assert (
        f"Tees partnership opened the signature of every entry from 0 to {openings[0].facts['last_position']}" in said
    )
    code, said = await command(*checking, "--note", "Plan, section 2.", "--reason", "curiosity")
    assert (code, "Agencies' signatures COULD NOT BE CHECKED" in said) == (2, True), said


async def test_a_run_shows_nothing_that_came_after_it_was_put_on_record(
    exchange: TestExchange, auditor: FarAuditor, known: ChildRef
) -> None:
    run: dict[str, Json] = {"run": "a-run-that-reaches-far", "size": 2**53 - 1, "after": -1, "limit": 500}
    run |= {"compared": "none", "reason": "integrity", "note": "Plan, section 3."}
    async with auditor.client() as asking:
        first = (await asking.post("/v1/audit/signatures", run)).content
        async with exchange.client(SCHOOL) as client:
            shared = await client.share(share())
        again = (await asking.post("/v1/audit/signatures", run)).content
        with pytest.raises(Refused) as refused:
            await asking.post("/v1/audit/signatures", {**run, "size": 7})
    assert int(str(shared.content["position"])) > int(str(first["recorded_at_position"]))
    assert again == first
    assert refused.value.problem.status == 409


async def test_a_childs_number_never_leaves_the_auditors_machine(
    exchange: TestExchange, auditor: FarAuditor, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(self: ExchangeClient, path: str) -> None:
        raise AssertionError("something was asked")

    monkeypatch.setattr(ExchangeClient, "get", asked)
    for number in ("9990000018", "999 000 0018"):
        code, said = await command("audit", "who-knew", number, *auditor.options())
        assert (code, "not a child reference" in said, number in said) == (1, True, False), said


async def test_whoever_is_no_auditor_is_told_so_and_half_a_gateway_is_refused(
    exchange: TestExchange, auditor: FarAuditor, command: Command
) -> None:
    school = ("--url", auditor.url, "--key", exchange.parties.key_file(SCHOOL))
    for question in (("replay",), ("who-knew", "0" * 32)):
        code, said = await command("audit", *question, *school)
        assert (code, "not-an-auditor" in said) == (1, True), said
        for half, expected in (
            (("--url", auditor.url), "Give --key too"),
            (("--key", auditor.file), "Give the gateway's --url too"),
            (("--url", "", "--key", auditor.file), "the --url is empty"),
        ):
            code, said = await command("audit", *question, *half)
            assert (code, expected in said) == (1, True), said
