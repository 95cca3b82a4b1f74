"""A child's chronology over signed HTTP: for who has a part in its case, and every look on the record first."""

import secrets
import time

import aiohttp
import pytest

from cli.parties import DURHAM, POLICE
from client.errors import Refused
from client.exchange_client import ExchangeClient
from shared.canonical_json import Json
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import AgencyId, Position
from shared.ledger.audit_messages import WhoKnewQuery
from shared.ledger.reading_messages import ReadChronology, SignedRead
from shared.signatures.authority import authority_of
from shared.signatures.message import RequestParts, Tag
from shared.signatures.request_signature import sign_request
from tests.machinery.agencies import new_agency
from tests.machinery.answers import child_ref
from tests.machinery.chronologies import entry_id, read_chronology
from tests.machinery.exchange import DARLINGTON, NURSERY, PRACTICE, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share, whereabouts, withholding
from tests.machinery.stewards import erase

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVER = "9999-01-01T00:00:00.000000Z"


async def refused(client: ExchangeClient, path: str) -> tuple[int, str, str]:
    """Return what a read is refused with."""
    with pytest.raises(Refused) as found:
        await client.get(path)
    return found.value.problem.status, found.value.problem.code, found.value.problem.detail


async def test_the_authority_where_the_child_lives_reads_the_whole_case_in_order(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(PRACTICE) as practice:
        shared = await school.share(share(who))
        also = await practice.share(share(who, rationale="She has not been brought to three appointments."))
        corrected = await school.post(
            f"/v1/shares/{entry_id(shared)}/corrections", {"why": "x", "members": {"rationale": "The other arm."}}
        )
        withheld = await practice.withhold(withholding(who))
    await exchange.all_signed_for()
    async with exchange.client(DARLINGTON) as csc:
        page = await read_chronology(csc, child_ref(shared))
    assert page.your_roles == ["living_at"]
    assert [each.position for each in page.entries] == sorted(each.position for each in page.entries)
    assert {entry_id(shared), entry_id(also), entry_id(corrected)} <= page.ids()
    contents = {each.id: each.content for each in page.entries}
    assert contents[entry_id(also)] == share(who, rationale="She has not been brought to three appointments.")
    correction = next(each for each in page.entries if each.id == entry_id(corrected))
    assert (correction.agency, correction.about) == (SCHOOL.id, [entry_id(shared)])
    first = next(each for each in page.entries if each.id == entry_id(shared))
    assert [(each.recipient, each.state) for each in first.notifications] == [("authority:E06000005", "received")]
    assert page.of("notification.received")
    assert entry_id(withheld) not in page.ids()
    assert PRACTICE.id not in {each.agency for each in page.entries if each.id != entry_id(also)}


async def test_a_withholding_is_shown_to_who_withheld_and_lets_nobody_in(exchange: TestExchange) -> None:
    """An outsider cannot tell *withheld* from *nothing held*: not even the authority where the child lives."""
    async with exchange.client(PRACTICE) as practice:
        withheld = await practice.withhold(withholding(child()))
        own = await read_chronology(practice, child_ref(withheld))
    assert entry_id(withheld) in own.ids()
    async with exchange.client(DARLINGTON) as csc:
        known = await refused(csc, f"/v1/children/{child_ref(withheld)}/chronology")
        unknown = await refused(csc, f"/v1/children/{'0' * 32}/chronology")
    assert known == unknown == (404, "not-found", known[2])


async def test_who_only_shared_or_was_told_sees_that_and_not_who_else_knows(exchange: TestExchange) -> None:
    """Sharing something about a child is no way to learn where it is, or who told of it."""
    who = child()
    concern = {"level": "immediate_danger", "seen_or_said": "He is there now."}
    async with exchange.client(SCHOOL) as school, exchange.client(NURSERY) as nursery:
        shared = await school.share(share(who, concern=concern))
        await nursery.share(share(who, rationale="y"))
        mine = await read_chronology(nursery, child_ref(shared))
    assert {each.agency for each in mine.of("share.recorded")} == {NURSERY.id}
    assert (mine.your_roles, mine.responsible) == ([], None)
    async with exchange.client(POLICE) as police:
        told = await read_chronology(police, child_ref(shared))
    (seen,) = told.of("share.recorded")
    assert seen.id == entry_id(shared)
    assert {each.recipient for each in seen.notifications} == {POLICE.takes_pushes_as}
    assert seen.content == share(who, concern=concern)


async def test_another_agency_gets_the_answer_for_a_child_that_is_not_there(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as school:
        shared = await school.share(share())
    async with new_agency(exchange, "a-passer-by", duty_class="s11_body", home_authority="E06000005") as stranger:
        answers = [
            await refused(stranger, f"/v1/children/{ref}/chronology") for ref in (child_ref(shared), "f" * 32, "nobody")
        ]
    assert answers[0] == answers[1] == answers[2] == (404, "not-found", answers[0][2])


async def test_a_role_that_ended_opens_nothing_more_even_as_at_its_days(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(NURSERY) as nursery:
        first = await school.share(share(who))
        before = str(first.content["recorded_at"])
        async with exchange.client(DARLINGTON) as csc:
            assert (await read_chronology(csc, child_ref(first))).your_roles == ["living_at"]
        await nursery.report_whereabouts(whereabouts(who, "E06000047"))
        later = await nursery.share(share({**who, "address": None}, rationale="After the move."))
    async with exchange.client(DARLINGTON) as csc:
        for query in ("", f"?as_at={before}"):
            page = await read_chronology(csc, child_ref(first), query)
            assert page.your_roles == []
            # What it was told it keeps: nothing that it was not told comes to it.
            assert {each.id for each in page.of("share.recorded")} <= {entry_id(first)}
        assert entry_id(later) not in (await read_chronology(csc, child_ref(first))).ids()


async def test_the_authority_a_child_comes_to_sees_what_was_before_and_nothing_after_the_moment_asked_about(
    exchange: TestExchange,
) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(NURSERY) as nursery:
        first = await school.share(share(who))
        async with exchange.client(DURHAM) as durham:
            assert (await refused(durham, f"/v1/children/{child_ref(first)}/chronology"))[0] == 404
        await nursery.report_whereabouts(whereabouts(who, "E06000047"))
    async with exchange.client(DURHAM) as durham:
        then = await read_chronology(durham, child_ref(first), f"?as_at={first.content['recorded_at']}")
        now = await read_chronology(durham, child_ref(first))
    assert [each.id for each in then.entries] == [entry_id(first)]
    assert [each.state for each in then.entries[0].notifications] == ["owed"]
    assert now.of("whereabouts.reported")


async def test_every_look_is_an_entry_that_auditors_see_with_what_it_opened(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as school, exchange.client(DARLINGTON) as csc:
        shared = await school.share(share())
        page = await read_chronology(csc, child_ref(shared))
        async with exchange.ledger("auditor") as ledger:
            known = await ledger.who_knew(WhoKnewQuery(child_ref(shared), EVER))
    looks = [each for each in known.looks if each.purpose == "chronology"]
    position = Position(int(str(shared.content["position"])))
    assert [(each.by, each.section, each.of) for each in looks] == [(DARLINGTON.id, "body", (position, position))]
    assert looks[0].position == page.looked_at_position
    entry = next(each for each in await exchange.entries() if each.position == page.looked_at_position)
    assert (entry.type, entry.agency, list(entry.causes)) == ("chronology.read", DARLINGTON.id, [entry_id(shared)])
    assert set(entry.commitments) == {"signature"}
    assert (await exchange.audit()).intact


async def test_pages_follow_one_another_and_hold_everything_once(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(DARLINGTON) as csc:
        shares = [await school.share(share(who, rationale=str(each))) for each in range(5)]
        await exchange.all_signed_for()
        whole = await read_chronology(csc, child_ref(shares[0]))
        found: list[str] = []
        after: int | None = -1
        while after is not None:
            query = f"?limit=2&after={after}&as_at={whole.as_at}"
            page = await read_chronology(csc, child_ref(shares[0]), query)
            assert len(page.entries) <= 2
            found.extend(each.id for each in page.entries)
            after = page.next_after
        path = f"/v1/children/{child_ref(shares[0])}/chronology"
        status = [(await refused(csc, f"{path}?{query}"))[0] for query in ("after=x", "limit=0", "as_at=y")]
    assert found == [each.id for each in whole.entries]
    assert status == [422, 422, 422]


async def test_what_was_taken_back_is_not_read_again_and_what_was_erased_is_called_so(exchange: TestExchange) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(DARLINGTON) as csc:
        wrong = await school.share(share(who, rationale="Of another child."))
        right = await school.share(share(who))
        await school.post(f"/v1/shares/{entry_id(wrong)}/retractions", {"why": "x", "reason": "wrong_child"})
        page = await read_chronology(csc, child_ref(right))
        is_now = {each.id: each.content_is for each in page.entries}
        assert (is_now[entry_id(wrong)], is_now[entry_id(right)]) == ("not_shown", "shown")
        await exchange.all_signed_for()
        await erase(exchange, child_ref(right))
        erased = await read_chronology(csc, child_ref(right))
    assert {each.content_is for each in erased.of("share.recorded")} == {"erased", "not_shown"}
    assert (await exchange.audit()).intact


async def test_the_gateway_reads_nothing_without_a_readers_own_signature(exchange: TestExchange) -> None:
    """G13: a gateway that was taken over has no signature to bring, and an old or another one opens nothing."""
    async with exchange.client(SCHOOL) as school:
        shared = await school.share(share())
    key = next(each.key for each in await exchange.entries() if each.agency == SCHOOL.id and each.key)
    target = f"/v1/children/{child_ref(shared)}/chronology"
    made_up = SignedRead(AgencyId(SCHOOL.id), key, "n" * 20, "GET", target, b"", b"{}", Position(0))
    asked = ReadChronology(child_ref(shared), EVER, -1, 10, made_up)
    async with exchange.ledger("gateway") as ledger:
        with pytest.raises(InvalidInput):
            await ledger.chronology(asked)
    async with exchange.ledger("notifier") as ledger:
        with pytest.raises(NotPermitted):
            await ledger.chronology(asked)


async def test_a_read_that_was_captured_is_no_second_look(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as school:
        shared = await school.share(share())
    target = f"/v1/children/{child_ref(shared)}/chronology"
    unsigned = RequestParts("GET", authority_of(exchange.local.gateway_url), target.encode(), {})
    signature = sign_request(
        unsigned,
        key=exchange.parties.key(SCHOOL),
        tag=Tag.REQUEST,
        created=int(time.time()),
        nonce=secrets.token_urlsafe(16),
        has_body=False,
    )
    async with aiohttp.ClientSession() as session:
        answers = []
        for _ in range(2):
            async with session.get(exchange.local.gateway_url + target, headers=signature) as response:
                answers.append((response.status, (await response.json(content_type=None)).get("type")))
    assert answers == [(200, None), (401, "/problems/nonce-replayed")]


async def test_an_acknowledgement_is_part_of_the_case_and_makes_responsible(exchange: TestExchange) -> None:
    async with exchange.client(SCHOOL) as school, exchange.client(DARLINGTON) as csc:
        shared = await school.share(share())

        async def owed() -> str | None:
            page = await read_chronology(csc, child_ref(shared))
            return f"{entry_id(shared)}-0" if page.of("notification.received") else None

        notification = await patiently(owed)
        assert notification is not None
        owned: dict[str, Json] = {"state": "owned", "person": {"name": "Rosalind Achterberg"}}
        await csc.acknowledge(notification, owned)
        page = await read_chronology(csc, child_ref(shared))
        referrer = await read_chronology(school, child_ref(shared))
    (step,) = page.of("notification.owned")
    assert (page.responsible, page.your_roles) == ("E06000005", ["living_at", "responsible"])
    assert step.content == owned
    (theirs,) = referrer.of("notification.owned")
    assert (theirs.content_is, theirs.content) == ("not_shown", None)
