"""Decisions not to share: always recorded; a lawful one passes quietly, and no misconception does."""

from datetime import datetime, timedelta

import msgspec
import pytest

from shared.entries import Entry
from shared.vocabulary import EntryType
from tests.machinery.agencies import new_agency
from tests.machinery.answers import child_ref, codes, objects, told
from tests.machinery.exchange import TestExchange, patiently
from tests.machinery.people import child, share, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_young_persons_confidence_is_kept(exchange: TestExchange) -> None:
    """Accepted without escalation, sealed, reviewed in time."""
    who = child(date_of_birth="2010-04-01")
    async with new_agency(
        exchange, "a-college", duty_class="designated_education_childcare", home_authority="E06000005"
    ) as college:
        answer = await college.withhold(
            withholding(
                who,
                reasons=["more_detrimental_to_child", "not_necessary_for_recipient_function"],
                rationale="Told a counsellor in confidence; no threat was made, and the asker's work does not need it.",
                requested_by={"name": "A housing charity", "role": "support worker"},
                reply_to_requester={
                    "at": "2026-11-24T12:00:00Z",
                    "means": "letter",
                    "text": "There is nothing that we may share; you may ask the young person.",
                },
                review_on="2026-12-24",
            )
        )
    assert (answer.status, answer.content["challenges"], told(answer)) == (201, [], {})
    assert not codes(answer) & {"review-date-missing", "requester-reply-missing", "requester-reply-details-missing"}
    entry = next(each for each in await exchange.entries() if each.id == answer.content["id"])
    assert "counsellor" not in repr(entry)
    assert "ask the young person" not in repr(entry)
    assert entry.facts["review_on"] == "2026-12-24"
    assert (entry.facts["replied_in_writing"], entry.facts["reply_means"]) == (True, "letter")


async def test_a_confidence_is_opened_again_when_somebody_tells_of_threats(exchange: TestExchange) -> None:
    """Nothing of the concern goes to the college but that there is one; it decides the same day."""
    who = child(date_of_birth="2010-04-01")
    async with (
        new_agency(
            exchange, "another-college", duty_class="designated_education_childcare", home_authority="E06000005"
        ) as college,
        exchange.client() as school,
    ):
        kept = await college.withhold(withholding(who, reasons=["young_persons_confidence"], review_on="2099-12-24"))
        assert told(kept) == {}
        threats = {"level": "child_in_need", "seen_or_said": "Her brother said he would kill her.", "indicators": []}
        shared = await school.share(share(who, concern={**threats, "indicators": ["threats", "forced_marriage"]}))

        async def opened_again() -> Entry | None:
            return next(
                (
                    each
                    for each in await exchange.entries()
                    if each.type is EntryType.WITHHOLDING_REOPENED and each.causes[0] == kept.content["id"]
                ),
                None,
            )

        entry = await patiently(opened_again)
        assert entry is not None
        standing = await college.get(f"/v1/withholdings/{kept.content['id']}")
        seen_by_the_school = await school.read_share(str(shared.content["id"]))
    assert [owed.recipient for owed in entry.obligations] == ["agency:another-college", "queue:second-decision-maker"]
    assert {owed.urgency for owed in entry.obligations} == {"same_day"}
    assert "withholding.reopened" in repr(standing.content["history"])
    assert seen_by_the_school.content["history"] == []


async def test_gdpr_and_a_bruised_baby(exchange: TestExchange) -> None:
    """Recorded, corrected, and before a second decision-maker within the hour; the share that follows names it."""
    who = child(date_of_birth="2026-08-20", address={"authority": "E06000015"})
    async with new_agency(exchange, "derby-practice", duty_class="s11_body", home_authority="E06000015") as practice:
        answer = await practice.withhold(
            withholding(
                who,
                reasons=["gdpr", "no_consent"],
                rationale="The mother did not agree.",
                concern={"indicators": ["injury", "non_mobile_infant"]},
                consent={"status": "refused"},
            )
        )
        shared = await practice.share(
            share(
                who,
                concern={"level": "immediate_danger", "seen_or_said": "A bruise on the cheek."},
                after_withholding=str(answer.content["id"]),
            )
        )
        withheld = await practice.get(f"/v1/withholdings/{answer.content['id']}")
    entry = next(each for each in await exchange.entries() if each.id == shared.content["id"])
    assert entry.causes == (answer.content["id"],)
    assert {each["state"] for each in objects(withheld, "notifications")} == {"decided"}
    assert "withholding-not-found" not in codes(shared)
    assert answer.status == 201
    assert {"challenge-gdpr", "challenge-no-consent", "second-decision-maker"} <= codes(answer, "challenges") | codes(
        answer
    )
    escalated = told(answer)
    assert {"agency:derby-practice", "queue:second-decision-maker"} <= escalated.keys()
    recorded_at = datetime.fromisoformat(msgspec.convert(answer.content["recorded_at"], str))
    for each in escalated.values():
        assert each.urgency == "immediate"
        assert datetime.fromisoformat(each.due_at) <= recorded_at + timedelta(hours=1, seconds=5)
    assert "authority:E06000015" in told(shared)
    assert told(shared)["authority:E06000015"].urgency == "immediate"
    assert child_ref(shared) == child_ref(answer)
