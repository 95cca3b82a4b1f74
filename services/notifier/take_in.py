"""Taking an entry in: what it owes becomes notifications, what it tells of places may show a move."""

from datetime import date

from services.notifier.adapters.postgres_intake import Intake
from services.notifier.domain.moves import KnownRole, detect_move
from services.notifier.facts import FactMaker
from services.notifier.ports import Road
from shared.clock import Clock
from shared.entries import Entry
from shared.identifiers import AuthorityCode
from shared.reference.authorities import AuthorityRegister


class EntryTaker:
    """Takes entries in, each once, in any order and however often they come (G7)."""

    def __init__(self, *, facts: FactMaker, register: AuthorityRegister, clock: Clock) -> None:
        self._facts = facts
        self._register = register
        self._clock = clock

    async def take_in(self, entry: Entry, *, road: Road, intake: Intake) -> bool:
        """Take one entry in within a transaction; False when it had been taken in before."""
        if not await intake.is_new(entry.position):
            return False
        now = self._clock.now()
        await intake.owe(entry, road=road, now=now)
        await intake.climb(entry)
        if entry.subjects and entry.subjects[0].roles:
            known = await intake.known_roles(entry.subjects[0].ref)
            move = detect_move(entry, known=known, now_named=self._now_named(entry, known, on=now.date()))
            await intake.learn_roles(entry)
            if move is not None:
                await intake.say([self._facts.move(entry, move, now=now)], now=now)
        return True

    def _now_named(self, entry: Entry, known: list[KnownRole], *, on: date) -> dict[str, AuthorityCode]:
        codes = {fact.authority for fact in known} | {fact.authority for fact in entry.subjects[0].roles}
        resolved = {code: self._register.resolve(code, on=on).single for code in codes}
        return {code: authority for code, authority in resolved.items() if authority is not None}
