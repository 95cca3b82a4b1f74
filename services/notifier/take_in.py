"""Taking an entry in: what it owes becomes notifications, what it tells of places may show a move."""

from datetime import date, datetime

from services.notifier.adapters.postgres_intake import Intake
from services.notifier.adapters.postgres_withholdings import keep_harm, keep_standing, take_to_reopen
from services.notifier.domain.moves import KnownRole, detect_move
from services.notifier.domain.withholdings import standing_by, tells_of_harm
from services.notifier.facts import FactMaker
from services.notifier.ports import Road
from services.notifier.withholding_facts import WithholdingFacts
from shared.clock import Clock
from shared.entries import Entry
from shared.identifiers import AuthorityCode
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
        """Take one entry in within a transaction; False when it had been taken in before."""
        if not await intake.is_new(entry.position):
            return False
        now = self._clock.now()
        await intake.owe(entry, road=road, now=now)
        await intake.climb(entry)
        await self._look_at_withholdings(entry, intake=intake, now=now)
        if entry.subjects and entry.subjects[0].roles:
            known = await intake.known_roles(entry.subjects[0].ref)
            move = detect_move(entry, known=known, now_named=self._now_named(entry, known, on=local_day(now)))
            await intake.learn_roles(entry)
            if move is not None:
                await intake.say([self._facts.move(entry, move, now=now)], now=now)
        return True

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

    def _now_named(self, entry: Entry, known: list[KnownRole], *, on: date) -> dict[str, AuthorityCode]:
        codes = {fact.authority for fact in known} | {fact.authority for fact in entry.subjects[0].roles}
        resolved = {code: self._register.resolve(code, on=on).single for code in codes}
        return {code: authority for code, authority in resolved.items() if authority is not None}
