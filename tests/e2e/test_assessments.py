"""An assessment says what recording would do, records nothing, and does not betray whether a child is known."""

import msgspec
import pytest

from client.errors import Refused
from shared.canonical_json import Json
from shared.entries import Entry
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Code(msgspec.Struct, frozen=True):
    """A rule as an answer says it."""

    code: str


class WouldTell(msgspec.Struct, frozen=True):
    """Whom an assessment says would be told."""

    recipient: str
    due_at: str


class Assessment(msgspec.Struct, frozen=True):
    """An assessment, in types that a test can compare."""

    kind: str
    of: str
    would_be: str
    acted_on: dict[str, str | bool]
    judged: dict[str, str]
    missing: list[Code]
    guidance: list[Code]
    challenges: list[Code]
    would_tell: list[WouldTell]
    judged_without: list[str]


async def assess(exchange: TestExchange, record: dict[str, Json]) -> Assessment:
    """Return the assessment of a record."""
    async with exchange.client(SCHOOL) as client:
        answer = await client.post("/v1/assessments", record)
    assert answer.status == 200
    return msgspec.convert(answer.content, Assessment)


async def ours(exchange: TestExchange) -> list[Entry]:
    """Return what agencies have recorded."""
    return [entry for entry in await exchange.entries() if entry.agency is not None]


async def test_it_says_who_would_be_told_what_is_missing_and_what_the_rules_say(exchange: TestExchange) -> None:
    record = share(lawful_basis={"article_6": "6(1)(a)"}, rationale=None, decided_at="2026-09-29T23:59:00+01:00")
    found = await assess(exchange, record)
    assert (found.kind, found.of, found.would_be) == ("assessment", "share", "accepted_with_advice")
    assert [each.recipient for each in found.would_tell] == ["authority:E06000005"]
    assert {"rationale-missing", "condition-missing"} <= {each.code for each in found.missing}
    assert "basis-consent-for-safeguarding" in {each.code for each in found.guidance}
    assert found.judged["law_as_at"] == "2026-09-29"
    assert found.judged["regime"] == "permissive"


async def test_a_withholding_is_assessed_with_the_challenge_it_would_meet(exchange: TestExchange) -> None:
    infant = child(date_of_birth="2026-09-01")
    found = await assess(exchange, withholding(infant, concern={"indicators": ["injury"]}))
    assert found.of == "withholding"
    assert [each.code for each in found.challenges] == ["challenge-gdpr"]
    assert "second-decision-maker" in {each.code for each in found.guidance}
    assert {each.recipient for each in found.would_tell} == {"queue:second-decision-maker", "agency:st-hilda-primary"}


async def test_nothing_is_recorded_and_the_rules_are_those_of_a_recorded_decision(exchange: TestExchange) -> None:
    before = await ours(exchange)
    found = await assess(exchange, share())
    assert await ours(exchange) == before
    async with exchange.client(SCHOOL) as client:
        recorded = await client.share(share())
    entry = next(each for each in await ours(exchange) if each.id == recorded.content["id"])
    assert entry.rules == found.judged["rules"]
    assert entry.facts["law_as_at"] == found.judged["law_as_at"]


async def test_a_child_that_is_known_is_assessed_like_one_that_is_not(exchange: TestExchange) -> None:
    known, unknown = child(), child()
    async with exchange.client(SCHOOL) as client:
        await client.share(share({**known, "plan_held_by": "E06000047"}))
    nowhere: dict[str, Json] = {"address": None}
    one = await assess(exchange, share({**known, **nowhere}))
    other = await assess(exchange, share({**unknown, **nowhere}))
    assert [each.recipient for each in one.would_tell] == [each.recipient for each in other.would_tell]
    assert msgspec.structs.replace(one, would_tell=[]) == msgspec.structs.replace(other, would_tell=[])
    assert one.judged_without
    quiet = [await assess(exchange, withholding(who)) for who in (known, unknown)]
    assert quiet[0].guidance == quiet[1].guidance


async def test_what_could_not_be_recorded_is_not_assessed_either(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as client:
        with pytest.raises(Refused) as refused:
            await client.post("/v1/assessments", {"rationale": "Somebody ought to know."})
    assert refused.value.problem.code == "nobody-and-nowhere"
