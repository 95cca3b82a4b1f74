"""Concerns that are shared: routed by the child and the level, whatever was named, left out or refused."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from client.exchange_client import Answer
from shared.canonical_json import Json
from tests.machinery.agencies import new_agency
from tests.machinery.answers import child_ref, codes, told
from tests.machinery.exchange import DARLINGTON, SCHOOL, TestExchange, patiently
from tests.machinery.people import child, share

pytestmark = pytest.mark.asyncio(loop_scope="session")

S11, SCHOOLS, CHARITY = "s11_body", "designated_education_childcare", "voluntary_other"


def judged(answer: Answer) -> dict[str, str]:
    """By the law of which day and nation, under which regime."""
    return {name: str(value) for name, value in msgspec.convert(answer.content["judged"], dict[str, object]).items()}


def acted_on(answer: Answer) -> Mapping[str, object]:
    return msgspec.convert(answer.content["acted_on"], dict[str, object])


def authorities(answer: Answer) -> set[str]:
    """The authorities that were told."""
    return {each.removeprefix("authority:") for each in told(answer) if each.startswith("authority:")}


async def test_a_bruise_and_a_disclosure_at_a_primary_school(exchange: TestExchange) -> None:
    """Accepted with no parent informed, and for the police as well; a missing reason is asked for afterwards."""
    who = child()
    concern: Json = {
        "level": "immediate_danger",
        "seen_or_said": "Dad's mate hit me with the belt. A linear bruise.",
        "possible_crime": True,
    }
    async with exchange.client(SCHOOL) as client:
        before = datetime.now(UTC)
        spoken: Json = (before - timedelta(minutes=12)).isoformat(timespec="seconds")
        answer = await client.share(
            share(who, concern=concern, verbal_at=spoken, verbal_to="Darlington front door, duty social worker")
        )
        unexplained = await client.share(share(child(), concern=concern, family_informed={"informed": False}))
        status = await client.read_share(str(answer.content["id"]))
    recipients = told(answer)
    assert recipients.keys() == {"authority:E06000005", "police:E23000008"}
    assert {each.urgency for each in recipients.values()} == {"immediate"}
    assert "possible_crime" in recipients["police:E23000008"].reasons or "immediate_danger" in (
        recipients["police:E23000008"].reasons
    )
    assert recipients["authority:E06000005"].due_at > before.isoformat()
    assert judged(answer)["regime"] == "duty"
    assert not codes(answer) & {"informed-missing", "informed-reason-missing"}
    assert answer.content["challenges"] == []
    # A missing reason is accepted, then asked for.
    assert unexplained.status == 201
    assert "informed-reason-missing" in codes(unexplained)
    # What was said by telephone and is now confirmed in writing is one record; where nothing was said, that is advised.
    assert not {code for code in codes(answer) if code.startswith("verbal-")}
    entry = next(each for each in await exchange.entries() if each.id == answer.content["id"])
    assert entry.facts["verbal_at"] is not None
    assert status.content["id"] == answer.content["id"]

    async def pushed() -> bool | None:
        events = await exchange.parties.pushed_to(DARLINGTON)
        return True if any(each.data.entry["id"] == answer.content["id"] for each in events) else None

    assert await patiently(pushed)


async def test_the_district_trap(exchange: TestExchange) -> None:
    """The county's children's social care is told, never the district; what was typed is kept as it was signed."""
    who = child(address={"lines": ["3 Example Row"], "authority": "E07000012"})
    record = share(who, concern={"level": "child_in_need", "seen_or_said": "Persistent signs of neglect."})
    async with new_agency(exchange, "granta-practice", duty_class=S11, home_authority="E10000003") as practice:
        answer = await practice.share({**record, "recipients": ["South Cambs"]})
        by_code = await practice.share({**share(child()), "recipients": ["E07000012"]})
    assert authorities(answer) == {"E10000003"}
    assert told(answer)["authority:E10000003"].urgency == "one_working_day"
    assert {"district-not-authority", "authority-unknown"} & codes(answer)
    assert "E10000003" in authorities(by_code)
    assert "E07000012" not in authorities(answer) | authorities(by_code)
    async with exchange.ledger("auditor") as ledger:
        entry = next(
            entry for entry in [each async for each in ledger.stream(after=-1)] if entry.id == answer.content["id"]
        )
    assert entry.facts["recipients_as_given"] == 1


@pytest.mark.parametrize(
    ("decided_at", "regime", "advised"),
    [("2026-09-29T17:50:00Z", "permissive", False), ("2026-09-30T08:05:00Z", "duty", True)],
)
async def test_parents_refuse_and_the_family_moves_to_leeds(
    exchange: TestExchange, decided_at: str, regime: str, *, advised: bool
) -> None:
    """The objection is recorded and not obeyed; the day before the duty began, the same facts still may be shared."""
    who = child(address={"authority": "E08000035"}, plan_held_by=None)
    slug = f"hartlepool-family-support-{regime}"
    async with new_agency(exchange, slug, duty_class=S11, home_authority="E06000001") as holder:
        answer = await holder.share(
            share(
                who,
                concern={"level": "child_in_need", "opinion": "The second move in a year."},
                consent={"status": "refused", "whose": "parents"},
                lawful_basis={"condition": "sch1_para18"},
                decided_at=decided_at,
            )
        )
    assert authorities(answer) == {"E08000035"}
    assert told(answer)["authority:E08000035"].urgency == "one_working_day"
    assert judged(answer)["regime"] == regime
    assert ("duty-to-share-england" in codes(answer)) is advised
    assert "consent-never-gates" in codes(answer)
    assert answer.content["challenges"] == []


async def test_the_same_place_and_several_children_of_three_authorities(exchange: TestExchange) -> None:
    """Each child's own authority and the place's are told; the children stay apart; a place alone is legal input."""
    arcade: Json = {"authority": "E08000021", "name": "The arcade", "description": "City centre"}
    seen: Json = {"level": "significant_harm", "seen_or_said": "A new phone and bus tickets; meets adults there."}
    senders = {
        "gateshead-academy": (SCHOOLS, "E08000037", "6(1)(c)"),
        "south-tyneside-emergency-dept": (S11, "E08000023", "6(1)(c)"),
        "tyneside-youth-charity": (CHARITY, "E08000021", "6(1)(ea)"),
    }
    answers: dict[str, Answer] = {}
    for slug, (duty_class, home, basis) in senders.items():
        who = child(date_of_birth="2012-05-04", address={"authority": home})
        async with new_agency(exchange, slug, duty_class=duty_class, home_authority=home) as sender:
            answers[slug] = await sender.share(
                share(
                    who,
                    place=arcade,
                    concern=seen,
                    lawful_basis={"article_6": basis, "condition": "sch1_para18"},
                    consent={"status": "not_needed", "no_consent_reason": "would_prejudice_protection"},
                )
            )
            nobody = await sender.share({**share(place=arcade, concern=seen), "child": None})
    for slug, (_, home, _) in senders.items():
        assert {home, "E08000021"} == authorities(answers[slug])
        assert {each.urgency for each in told(answers[slug]).values()} == {"same_day"}
        assert not {code for code in codes(answers[slug]) if code.startswith(("basis-not", "consent-"))}
    assert "place_in_area" in told(answers["gateshead-academy"])["authority:E08000021"].reasons
    assert len({child_ref(answer) for answer in answers.values()}) == len(senders)
    assert (nobody.status, authorities(nobody)) == (201, {"E08000021"})


async def test_a_language_student_in_private_fostering(exchange: TestExchange) -> None:
    """No NHS number and no UPN is valid input; the arrangement is noticed from age, length and who the carer is."""
    who = child(
        date_of_birth="2011-02-03",
        identifiers=[],
        address={"authority": "E06000058"},
        care_arrangement={"carer": "host_family", "since": "2026-11-05", "days": 77},
    )
    async with new_agency(exchange, "christchurch-college", duty_class=SCHOOLS, home_authority="E06000058") as school:
        answer = await school.share(
            share(who, concern={"level": "child_in_need", "seen_or_said": "With a host family."})
        )
        short = await school.share(share({**who, "care_arrangement": {"carer": "host_family", "days": 10}}))
        kin = await school.share(share({**who, "care_arrangement": {"carer": "grandparent", "days": 77}}))
    assert authorities(answer) == {"E06000058"}
    assert told(answer)["authority:E06000058"].urgency == "one_working_day"
    assert {"private-fostering", "private-fostering-at-once", "nhs-number-missing"} <= codes(answer)
    assert "private-fostering" not in codes(short) | codes(kin)


async def test_an_old_authority_code_and_law_by_the_date_of_the_decision(exchange: TestExchange) -> None:
    """The code is taken to the one in force with a warning; each decision is judged by the law of its own day."""
    async with new_agency(exchange, "sheffield-nursery", duty_class=SCHOOLS, home_authority="E08000039") as nursery:
        one, other, unknown = [
            await nursery.share(
                share(
                    child(address=None),
                    concern={"level": "child_in_need", "seen_or_said": "Often hungry."},
                    recipients=[recipient],
                    decided_at=decided_at,
                )
            )
            for recipient, decided_at in (
                ("E08000019", "2026-09-30T08:05:00+01:00"),
                ("E08000019", "2026-09-29T17:50:00+01:00"),
                ("E99999999", "2026-09-30T08:05:00+01:00"),
            )
        ]
    for answer in (one, other):
        assert authorities(answer) == {"E08000039"}
        assert told(answer)["authority:E08000039"].urgency == "one_working_day"
        assert "authority-superseded" in codes(answer)
    assert (judged(one)["regime"], judged(other)["regime"]) == ("duty", "permissive")
    assert unknown.status == 201
    assert "queue:routing" in told(unknown)
    assert "authority-unknown" in codes(unknown)


async def test_a_holiday_injury_across_a_border(exchange: TestExchange) -> None:
    """Where it happened acts first, and home is told; each sender is judged by the law of its own nation."""
    who = child(address={"authority": "E06000051"}, found_at={"authority": "W06000002", "name": "A caravan park"})
    injury: Json = {"level": "immediate_danger", "seen_or_said": "A suspicious fracture.", "indicators": ["injury"]}
    async with new_agency(exchange, "gwynedd-emergency-dept", duty_class=S11, home_authority="W06000002") as welsh:
        answer = await welsh.share(share(who, concern=injury))
        borders = await welsh.share(share(child(address={"authority": "S12000026"}), concern=injury))
        trust = await welsh.share(
            share(child(address={"lines": ["Belfast"], "description": "Northern Ireland"}), concern=injury)
        )
    assert authorities(answer) == {"W06000002", "E06000051"}
    assert next(iter(told(answer))).removeprefix("authority:") in ("W06000002", "police:W15000004")
    assert {each.urgency for each in told(answer).values()} == {"immediate"}
    assert judged(answer)["nation"] == "Wales"
    assert "wales-tell-where-it-happened" in codes(borders)
    assert authorities(borders) == {"S12000026"}
    assert "queue:routing" in told(trust)
