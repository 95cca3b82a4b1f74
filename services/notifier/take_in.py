"""Taking an entry in: what it owes becomes notifications, what it tells of places may show a move."""

from collections.abc import Sequence
from datetime import date, datetime

from services.notifier.adapters.postgres_intake import Intake
from services.notifier.adapters.postgres_withholdings import keep_harm, keep_standing, take_to_reopen
from services.notifier.domain.moves import Report, moves_shown
from services.notifier.domain.withholdings import standing_by, tells_of_harm
from services.notifier.facts import FactMaker
from services.notifier.ports import Road
from services.notifier.withholding_facts import WithholdingFacts
from shared.clock import Clock
from shared.entries import Entry
from shared.identifiers import AuthorityCode, ChildRef
from shared.reference.authorities import AuthorityRegister
from shared.reference.working_days import local_day


class EntryTaker:
    """Takes entries in, each once, in any order and however often they come (G7)."""

    def __init__(
        self, *, facts: FactMaker, withholdings: WithholdingFacts, register: AuthorityRegister, clock: Clock
    ) -> None:
        self._facts = facts
        self._withholdings = withholdings
        self._register = register
        self._clock = clock

    async def take_in(self, entry: Entry, *, road: Road, intake: Intake) -> bool:
        """Take one entry in within a transaction; False when it had been taken in before.

        A transaction of several holds them all first (``Intake.hold``).
        """
        await intake.hold([entry])
        if not await intake.is_new(entry.position):
            return False
        now = self._clock.now()
        await intake.owe(entry, road=road, now=now)
        await intake.climb(entry)
        await self._look_at_withholdings(entry, intake=intake, now=now)
        if entry.subjects and entry.subjects[0].roles:
            await self._look_for_moves(entry, child=entry.subjects[0].ref, intake=intake, now=now)
        return True

    async def _look_for_moves(self, entry: Entry, *, child: ChildRef, intake: Intake, now: datetime) -> None:
        """Learn which authorities an entry names, and have every move said that it shows, or makes a later one show."""
        await intake.learn_roles(entry)
        reports = await intake.reports(child)
        shown = moves_shown(reports, since=entry.position, now_named=self._now_named(reports, on=local_day(now)))
        made = [
            self._facts.move(report.entry, move, child=child, now=now)
            for report, move in shown
            if report.entry is not None
        ]
        await intake.say(made, now=now)

    async def _look_at_withholdings(self, entry: Entry, *, intake: Intake, now: datetime) -> None:
        """Keep how withholdings stand, and open again what harm told of since makes look otherwise."""
        standing = standing_by(entry)
        if standing is not None:
            await keep_standing(intake.connection, standing)
        harm = bool(entry.subjects) and tells_of_harm(entry)
        if harm:
            await keep_harm(intake.connection, entry)
        if entry.subjects and (harm or standing is not None):
            found = await take_to_reopen(intake.connection, entry.subjects[0].ref)
            made = [self._withholdings.reopened(each.withholding, each.because_of, now=now) for each in found]
            await intake.say(made, now=now)

    def _now_named(self, reports: Sequence[Report], *, on: date) -> dict[str, AuthorityCode]:
        codes = {fact.authority for report in reports for fact in report.roles}
        resolved = {code: self._register.resolve(code, on=on).single for code in codes}
        return {code: authority for code, authority in resolved.items() if authority is not None}
