"""Withholdings over a real database: chased when their day has passed, opened again by harm, in whatever order."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.migrate import ROLES, migrate
from services.notifier.adapters.postgres_facts import PostgresFacts
from services.notifier.adapters.postgres_silence import PostgresSilence
from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.adapters.postgres_withholdings import PostgresWithholdings
from services.notifier.append_facts import FactAppender
from services.notifier.facts import FactMaker
from services.notifier.ports import RECONCILED
from services.notifier.take_in import EntryTaker
from services.notifier.watch_clock import ClockWatcher
from services.notifier.watch_reviews import ReviewWatcher
from services.notifier.withholding_facts import WithholdingFacts
from shared.canonical_json import Json
from shared.entries import Entry, Obligation, Subject
from shared.identifiers import AgencyId, ChildRef, EntryId, ObligationId, Recipient
from shared.ledger.messages import AppendRequest
from shared.reference.authorities import load_register
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeClock, FakeLedger
from tests.machinery.postgres import Database

REGISTER = load_register()
CHILD = ChildRef("c" * 32)
COLLEGE, SCHOOL = AgencyId("a-college"), AgencyId("a-school")


@dataclass
class Notifier:
    """The parts that watch withholdings, driven by hand."""

    store: PostgresStore
    ledger: FakeLedger
    clock: FakeClock
    taker: EntryTaker
    reviews: ReviewWatcher
    deadlines: ClockWatcher
    appender: FactAppender

    def add(
        self,
        entry_type: EntryType,
        facts: dict[str, Json],
        *,
        agency: AgencyId = COLLEGE,
        causes: Sequence[Entry] = (),
        owed_to: Sequence[str] = (),
    ) -> Entry:
        """Put an entry about the child into the ledger."""
        position = len(self.ledger.stored)
        return self.ledger.add(
            entry_type,
            agency=agency,
            subjects=(Subject(CHILD, position + 1),),
            facts=facts,
            causes=tuple(each.id for each in causes),
            obligations=tuple(
                Obligation(
                    ObligationId(f"{position:032x}-{ordinal}"),
                    Recipient(recipient),
                    ("withholding_challenged",),
                    "immediate",
                    "2026-11-24T11:00:00.000000Z",
                    "clock_hours",
                    "recorded",
                )
                for ordinal, recipient in enumerate(owed_to)
            ),
        )

    def withhold(self, *, due_on: str = "2026-12-24", reason: str = "not_relevant") -> Entry:
        return self.add(EntryType.WITHHOLDING_RECORDED, {"review_due_on": due_on, "reasons": [reason]})

    async def take_in(self, *entries: Entry) -> None:
        for entry in entries:
            async with self.store.intake() as intake:
                await self.taker.take_in(entry, road=RECONCILED, intake=intake)

    async def said(self) -> list[AppendRequest]:
        """Have all facts appended, and return what the ledger got."""
        await self.appender.append_open()
        return list(self.ledger.appended.values())


@pytest_asyncio.fixture
async def notifier(fresh_database: Database) -> AsyncIterator[Notifier]:
    await migrate(fresh_database.superuser_dsn, passwords=dict.fromkeys(ROLES, "a-password-for-the-tests-only"))
    engine = create_async_engine(fresh_database.sqlalchemy_url)
    store, ledger, clock = PostgresStore(engine), FakeLedger(), FakeClock()
    ids = iter(range(10_000))
    facts = FactMaker(register=REGISTER, new_entry_id=lambda: EntryId(f"{next(ids):032x}"))
    withheld = WithholdingFacts(new_entry_id=lambda: EntryId(f"{next(ids):032x}"), nation_of=lambda _: "England")
    yield Notifier(
        store,
        ledger,
        clock,
        EntryTaker(facts=facts, withholdings=withheld, register=REGISTER, clock=clock),
        ReviewWatcher(withholdings=PostgresWithholdings(engine), facts=withheld, clock=clock),
        ClockWatcher(silence=PostgresSilence(engine), facts=facts, clock=clock),
        FactAppender(facts=PostgresFacts(engine), ledger=ledger, clock=clock),
    )
    await engine.dispose()


async def test_a_review_is_chased_once_when_its_day_has_passed(notifier: Notifier) -> None:
    withheld = notifier.withhold(due_on="2026-11-24")
    await notifier.take_in(withheld)
    assert await notifier.reviews.chase_overdue() == 0
    notifier.clock.moment += timedelta(days=1)
    assert await notifier.reviews.chase_overdue() == 1
    assert await notifier.reviews.chase_overdue() == 0
    (said,) = await notifier.said()
    assert (said.type, said.causes) == (EntryType.WITHHOLDING_REVIEW_OVERDUE, (withheld.id,))
    assert [(owed.recipient, owed.due_at) for owed in said.obligations] == [
        ("agency:a-college", "2026-11-26T17:00:00.000000Z")
    ]


async def test_a_review_sets_a_new_day_and_what_ended_is_not_chased(notifier: Notifier) -> None:
    withheld = notifier.withhold(due_on="2026-11-23")
    review = notifier.add(EntryType.WITHHOLDING_REVIEWED, {"review_due_on": "2026-12-01"}, causes=[withheld])
    share = notifier.add(EntryType.SHARE_RECORDED, {"level": "early_help"}, causes=[withheld])
    await notifier.take_in(withheld)
    await notifier.take_in(review)
    assert await notifier.reviews.chase_overdue() == 0
    notifier.clock.moment += timedelta(days=30)
    await notifier.take_in(share)
    assert await notifier.reviews.chase_overdue() == 0


async def test_the_next_day_of_review_is_chased_anew(notifier: Notifier) -> None:
    withheld = notifier.withhold(due_on="2026-11-23")
    await notifier.take_in(withheld)
    assert await notifier.reviews.chase_overdue() == 1
    await notifier.take_in(
        notifier.add(EntryType.WITHHOLDING_REVIEWED, {"review_due_on": "2026-11-30"}, causes=[withheld])
    )
    notifier.clock.moment += timedelta(days=10)
    assert await notifier.reviews.chase_overdue() == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_harm_told_since_opens_a_withholding_again_in_whatever_order_it_comes(
    notifier: Notifier, order: tuple[int, ...]
) -> None:
    entries = (
        notifier.add(EntryType.SHARE_RECORDED, {"level": "significant_harm"}, agency=SCHOOL),
        notifier.withhold(),
        notifier.add(EntryType.SHARE_RECORDED, {"level": "early_help", "indicators": ["threats"]}, agency=SCHOOL),
    )
    await notifier.take_in(*(entries[place] for place in order))
    (said,) = await notifier.said()
    assert (said.type, said.causes) == (EntryType.WITHHOLDING_REOPENED, (entries[1].id, entries[2].id))
    assert [owed.recipient for owed in said.obligations] == ["agency:a-college", "queue:second-decision-maker"]
    assert {owed.urgency for owed in said.obligations} == {"same_day"}


async def test_it_is_opened_once_until_it_is_reviewed(notifier: Notifier) -> None:
    def harm() -> Entry:
        return notifier.add(EntryType.SHARE_RECORDED, {"level": "significant_harm"}, agency=SCHOOL)

    withheld = notifier.withhold()
    await notifier.take_in(withheld, harm(), harm())
    assert len(await notifier.said()) == 1
    review = notifier.add(EntryType.WITHHOLDING_REVIEWED, {"review_due_on": "2026-12-24"}, causes=[withheld])
    await notifier.take_in(review)
    assert len(await notifier.said()) == 1
    await notifier.take_in(harm())
    assert len(await notifier.said()) == 2


async def test_what_the_law_withholds_because_of_a_risk_stays_closed(notifier: Notifier) -> None:
    await notifier.take_in(
        notifier.withhold(reason="reg13_3_risk"),
        notifier.add(EntryType.SHARE_RECORDED, {"level": "immediate_danger"}, agency=SCHOOL),
    )
    assert await notifier.said() == []


async def test_a_withholding_wants_a_decision_and_that_a_person_owns_it_is_not_enough(notifier: Notifier) -> None:
    withheld = notifier.add(
        EntryType.WITHHOLDING_RECORDED,
        {"review_due_on": "2026-12-24", "reasons": ["gdpr"]},
        owed_to=["agency:a-college", "queue:second-decision-maker"],
    )
    owned = notifier.ledger.add(
        EntryType.NOTIFICATION_OWNED, agency=COLLEGE, facts={"obligation": withheld.obligations[0].id}
    )
    await notifier.take_in(withheld, owned)
    notifier.clock.moment += timedelta(hours=2)
    assert await notifier.deadlines.say_overdue() == 2
    reasons = {reason for said in await notifier.said() for owed in said.obligations for reason in owed.reasons}
    assert reasons == {"nobody_has_decided"}


async def test_a_decision_settles_everything_that_was_put_to_somebody(notifier: Notifier) -> None:
    withheld = notifier.add(
        EntryType.WITHHOLDING_RECORDED,
        {"review_due_on": "2026-12-24", "reasons": ["gdpr"]},
        owed_to=["agency:a-college", "queue:second-decision-maker"],
    )
    settled: list[Json] = [owed.id for owed in withheld.obligations]
    share = notifier.add(EntryType.SHARE_RECORDED, {"level": "early_help", "settles": settled}, causes=[withheld])
    await notifier.take_in(withheld, share)
    assert {each.state for each in await notifier.store.notifications()} == {"decided"}
    notifier.clock.moment += timedelta(hours=2)
    assert await notifier.deadlines.say_overdue() == 0
