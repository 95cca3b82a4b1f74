"""Correcting states after an upgrade: the release before forgot what it heard of an obligation too early.

It relied on asking the ledger about everything that is open, again and again. What it left is gone over once.
"""

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_intake import told_of_obligations
from services.notifier.adapters.postgres_states import PostgresStates
from services.notifier.ports import Ledger
from shared.entries import Entry, parse_entry
from shared.errors import InvalidInput
from shared.ledger.messages import StoredEntry
from shared.process.taking_turns import take_turns

WORK = "states"
PAGE = 200
LOOK_EVERY_S = 30.0
RETRY_AFTER_S = 1.0


class StateCorrector:
    """Goes over the entries that had been taken in when this process started, each once in all.

    Begun at every start, so that what an older notifier forgets while both run is found by the next that starts.
    What this release keeps of an obligation, and an older one then makes a notification of, is applied on a timer.
    """

    def __init__(self, *, states: PostgresStates, ledger: Ledger) -> None:
        self._states = states
        self._ledger = ledger
        self._last: int | None = None

    async def run(self) -> None:
        """Correct until cancelled."""
        await take_turns(self._turn, work=WORK, retry_after_s=RETRY_AFTER_S, away=DATABASE_AWAY)

    async def correct_some(self) -> bool:
        """Go over the next page of entries; False when all have been gone over."""
        after, last = await self._states.to_go_over()
        if self._last is None:
            self._last = last
        if after >= self._last:
            return False
        page = await self._ledger.entries(after=after, limit=PAGE)
        told = [entry for entry in map(_read, page.entries) if entry is not None and told_of_obligations(entry)]
        await self._states.go_over(told, last=page.entries[-1].position if page.entries else self._last)
        return True

    async def _turn(self) -> float:
        if await self.correct_some():
            return 0.0
        await self._states.apply_early()
        return LOOK_EVERY_S


def _read(stored: StoredEntry) -> Entry | None:
    """Return an entry; None where this release cannot read it, and has not taken it in either."""
    try:
        return parse_entry(stored.leaf)
    except InvalidInput:
        return None
