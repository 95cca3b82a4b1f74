"""What is protected reaches who must find the child, and nobody else: in pushes and in chronologies."""

from collections.abc import Mapping

import msgspec
import pytest

from cli.parties import DURHAM, POLICE, Party
from client.exchange_client import Answer
from shared.canonical_json import Json
from shared.identifiers import ObligationId
from tests.machinery.answers import child_ref, codes, told
from tests.machinery.chronologies import entry_id, read_chronology
from tests.machinery.exchange import DARLINGTON, NURSERY, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share, whereabouts

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIDDEN = "7 Hidden Row"
REFUGE: dict[str, Json] = {"lines": [HIDDEN], "authority": "E06000047", "protected": "refuge"}
NOT_SHOWN = {"protected": "refuge", "shown": False}


class Told(msgspec.Struct, frozen=True):
    """The parts of a pushed record that these tests look at."""

    child: dict[str, object] = {}
    place: object = None
    members: object = None
    where: object = None
    rationale: str = ""


async def pushed(exchange: TestExchange, party: Party, answer: Answer, *, entry_type: str = "") -> Told:
    """Return what a party was pushed because of a record, or of what followed from it of that type."""

    async def look() -> Told | None:
        for event in await exchange.parties.pushed_to(party):
            entry = event.data.entry
            is_it = entry["id"] == entry_id(answer) and not entry_type
            follows = entry["type"] == entry_type and entry_id(answer) in str(entry["causes"])
            if is_it or follows:
                return msgspec.convert(event.data.content, Told)
        return None

    found = await patiently(look)
    assert found is not None, f"{party.name} was not told"
    return found


async def test_a_refuge_is_shown_to_who_must_find_the_child_and_to_nobody_whom_the_sender_merely_named(
    exchange: TestExchange,
) -> None:
    async with exchange.client(SCHOOL) as school, exchange.client(DURHAM) as durham:
        shared = await school.share(share(child(address=REFUGE), recipients=["E06000005"]))
        page = await read_chronology(durham, child_ref(shared))
        mine = await read_chronology(school, child_ref(shared))
    assert (await pushed(exchange, DURHAM, shared)).child["address"] == REFUGE
    named = await pushed(exchange, DARLINGTON, shared)
    assert named.child["address"] == NOT_SHOWN
    assert named.rationale
    assert HIDDEN in repr(page.entries[0].content)
    assert HIDDEN in repr(mine.entries[0].content)
    async with exchange.client(DARLINGTON) as darlington:
        theirs = await read_chronology(darlington, child_ref(shared))
    assert (theirs.entries[0].content_is, theirs.your_roles) == ("shown", [])
    assert HIDDEN not in repr(theirs.entries)
    assert "protection-only-where-marked" in codes(shared)


async def test_the_authority_that_a_child_fled_from_learns_of_the_move_and_not_of_the_door(
    exchange: TestExchange,
) -> None:
    who = child()
    async with exchange.client(SCHOOL) as school, exchange.client(NURSERY) as nursery:
        await school.share(share(who))
        where: Json = {"role": "living_at", "lines": [HIDDEN], "authority": "E06000047", "protected": "refuge"}
        moved = await nursery.report_whereabouts(whereabouts(who, "E06000047", where=where))
    left = await pushed(exchange, DARLINGTON, moved, entry_type="child.move_suspected")
    came = await pushed(exchange, DURHAM, moved, entry_type="child.move_suspected")
    assert left.where == NOT_SHOWN
    assert came.where == where


async def test_an_address_that_a_later_record_forgets_to_mark_stays_hidden(exchange: TestExchange) -> None:
    who = child(address=REFUGE)
    forgot = {**who, "address": {"lines": [HIDDEN], "authority": "E06000047"}}
    lifted: Mapping[str, Json] = {**who, "address": {"authority": "E06000047", "protected": False}}
    async with exchange.client(SCHOOL) as school, exchange.client(NURSERY) as nursery:
        await school.share(share(who))
        shared = await nursery.share(share(forgot, recipients=["E06000005"]))
        lifting = await nursery.share(share(lifted, recipients=["E06000005"]))
    assert (await pushed(exchange, DARLINGTON, shared)).child["address"] == NOT_SHOWN
    assert (await pushed(exchange, DARLINGTON, lifting)).child["address"] == lifted["address"]


async def test_an_unknown_mark_protects_as_closely_as_any_and_is_flagged(exchange: TestExchange) -> None:
    who = child(address={"lines": [HIDDEN], "authority": "E06000047", "protected": "REFUGEE CENTRE?"})
    async with exchange.client(SCHOOL) as school:
        shared = await school.share(share(who, recipients=["E06000005"]))
    assert shared.status == 201
    assert "protection-unknown" in codes(shared)
    assert (await pushed(exchange, DARLINGTON, shared)).child["address"] == {"protected": "unknown", "shown": False}
    assert HIDDEN in repr(await pushed(exchange, DURHAM, shared))


async def test_where_a_looked_after_child_is_placed_is_for_its_authorities_and_for_police_sent_to_it(
    exchange: TestExchange,
) -> None:
    who = child(
        address={"lines": [HIDDEN], "authority": "E06000047"},
        looked_after_by="E06000005",
        carers=[{"name": "Fosterer Vale"}],
    )
    async with exchange.client(SCHOOL) as school:
        calm = await school.share(share(who, recipients=["E08000035"]))
        danger = await school.share(share(who, concern={"level": "immediate_danger", "seen_or_said": "He is there."}))
    for authority in (DARLINGTON, DURHAM):
        assert HIDDEN in repr(await pushed(exchange, authority, calm))
        assert "Fosterer Vale" in repr(await pushed(exchange, authority, calm))
    assert HIDDEN in repr(await pushed(exchange, POLICE, danger))


async def test_the_authority_that_a_person_finds_for_a_refuge_is_shown_it_and_its_correction(
    exchange: TestExchange,
) -> None:
    nowhere: dict[str, Json] = {"lines": [HIDDEN], "protected": "refuge"}
    async with exchange.client(SCHOOL) as school, exchange.operator() as operator:
        shared = await school.share(share(child(address=nowhere)))
        item = told(shared)["queue:routing"].obligation
        await operator.resolve(ObligationId(item), by="p.ellis", pass_to="E06000047")
        assert (await pushed(exchange, DURHAM, shared, entry_type="queue.resolved")).child["address"] == nowhere
        moved: dict[str, Json] = {**nowhere, "lines": ["8 Hidden Row"]}
        corrected = await school.correct(
            entry_id(shared), {"members": {"child": {"address": moved}}, "why": "The wrong door."}
        )
    for authority, shown in ((DURHAM, True), (DARLINGTON, False)):
        found = await pushed(exchange, authority, corrected)
        assert ("8 Hidden Row" in repr(found)) is shown
        assert "Hidden" in repr(found) or "refuge" in repr(found)


async def test_police_who_were_sent_to_a_child_are_shown_the_protected_part_of_a_correction_that_sends_nobody_anew(
    exchange: TestExchange,
) -> None:
    danger: Json = {"level": "immediate_danger", "seen_or_said": "He is at the door."}
    carer: Json = {"name": "A Carer", "address": {"lines": ["8 Hidden Row"], "protected": "refuge"}}
    async with exchange.client(SCHOOL) as school:
        shared = await school.share(share(child(address=REFUGE), concern=danger))
        members: Json = {"child": {"carers": [carer]}}
        corrected = await school.correct(entry_id(shared), {"members": members, "why": "She is with her mother."})
    assert HIDDEN in repr(await pushed(exchange, POLICE, shared))
    assert told(corrected)["police:E23000008"].reasons == ["corrects_what_you_were_told"]
    assert "8 Hidden Row" in repr(await pushed(exchange, POLICE, corrected))


async def test_whoever_is_told_of_a_marked_place_and_no_child_is_shown_the_place(exchange: TestExchange) -> None:
    place: dict[str, Json] = {"lines": [HIDDEN], "authority": "E06000047", "protected": "refuge"}
    async with exchange.client(SCHOOL) as school:
        sent = share(recipients=["E06000005"], place=place)
        del sent["child"]
        shared = await school.share(sent)
    for authority in (DURHAM, DARLINGTON):
        assert (await pushed(exchange, authority, shared)).place == place


async def test_the_clear_part_says_that_and_how_something_is_protected_and_nothing_of_what(
    exchange: TestExchange,
) -> None:
    async with exchange.client(SCHOOL) as school:
        shared = await school.share(share(child(address=REFUGE)))
    entry = next(each for each in await exchange.entries() if each.id == entry_id(shared))
    assert entry.facts["protected"] == ["refuge"]
    assert HIDDEN not in repr(entry)
