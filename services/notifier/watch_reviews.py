"""Watching reviews: a withholding past its day of review is chased, once for each day that was set."""

from collections.abc import Collection, Sequence

import structlog

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_withholdings import PostgresWithholdings
from services.notifier.domain.withholdings import StandingWithholding
from services.notifier.rounds import AT_ONCE, Rounds
from services.notifier.withholding_facts import WithholdingFacts
from shared.clock import Clock
from shared.process.taking_turns import take_turns
from shared.reference.working_days import local_day

WORK = "reviews"
LOOK_EVERY_S = 5.0

log = structlog.get_logger()


class ReviewWatcher:
    """Finds withholdings whose review is overdue and has it said to the agency's safeguarding lead.

    What it says is a notification like any other: unanswered, it is chased by the clock and told to people.
    """

    def __init__(self, *, withholdings: PostgresWithholdings, facts: WithholdingFacts, clock: Clock) -> None:
        self._withholdings = withholdings
        self._facts = facts
        self._clock = clock
        self._rounds = Rounds(self._overdue, self._chase, name_of=lambda each: each.withholding, work=WORK)

    async def run(self) -> None:
        """Watch until cancelled."""
        await take_turns(self._turn, work=WORK, retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY)

    async def _turn(self) -> float:
        await self.chase_overdue()
        return LOOK_EVERY_S

    async def chase_overdue(self) -> int:
        """Have chased what is overdue now, some of it at a time; returns how many."""
        return await self._rounds.go_on()

    async def _overdue(self, passing_over: Collection[str]) -> Sequence[StandingWithholding]:
        today = local_day(self._clock.now())
        return await self._withholdings.to_chase(today=today, limit=AT_ONCE, passing_over=passing_over)

    async def _chase(self, each: StandingWithholding) -> bool:
        now = self._clock.now()
        await self._withholdings.chase(each, self._facts.review_overdue(each, now=now), now=now)
        log.warning("withholding_review_overdue", withholding=each.withholding)
        return True
