"""Telling the ledger: facts kept here are appended there, each once, for as long as it takes."""

import asyncio
from datetime import timedelta

import structlog
from prometheus_client import Counter, Gauge

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_facts import OpenFact, PostgresFacts
from services.notifier.facts import request_from_text
from services.notifier.ports import Ledger
from shared.clock import Clock
from shared.errors import ExchangeError, Unavailable
from shared.process.logs import fault
from shared.process.taking_turns import take_turns

WORK = "facts"
IDLE_S = 0.2
RETRY_AFTER_S = 1.0
BATCH = 64
COUNT_EVERY_S = 10.0
LEDGER_AWAY_MOST_S = 30.0
REFUSED_MOST_S = 3600.0
FAULT = "fault"

REFUSED = Counter("notifier_fact_refusals_total", "Times that the ledger would not have a fact, by why", ["code"])
FACTS = Gauge("notifier_facts", "Facts that the ledger does not have yet: all that wait, and those refused", ["which"])

log = structlog.get_logger()


class FactAppender:
    """Appends facts. What the ledger does not take now is kept, alarmed if it was refused, and tried again later.

    None holds up another: whatever came of one, the next is tried without it, and a fact that was put off comes after
    all that were made before its time came again.
    """

    def __init__(self, *, facts: PostgresFacts, ledger: Ledger, clock: Clock) -> None:
        self._facts = facts
        self._ledger = ledger
        self._clock = clock

    async def run(self) -> None:
        """Append until cancelled."""
        await asyncio.gather(
            take_turns(self._turn, work=WORK, retry_after_s=RETRY_AFTER_S, away=DATABASE_AWAY),
            take_turns(self._count, work=WORK, retry_after_s=COUNT_EVERY_S, away=DATABASE_AWAY),
        )

    async def append_open(self) -> int:
        """Append what is to be tried now until the ledger is away; returns how many it took."""
        said = 0
        for each in await self._facts.open(now=self._clock.now(), limit=BATCH):
            try:
                appended = await self._ledger.append(request_from_text(each.request))
            except Unavailable as error:
                # Either the ledger is away, or this one fact trips it: the next round begins with another one.
                log.warning("fact_put_off", key=each.key, code=error.code)
                await self._put_off(each, most_s=LEDGER_AWAY_MOST_S, refused=None)
                break
            except Exception as error:
                await self._refused(each, error)
            else:
                await self._facts.said(each.key, position=appended.position)
                said += 1
        return said

    async def _turn(self) -> float:
        return 0.0 if await self.append_open() else IDLE_S

    async def _count(self) -> float:
        waiting, refused = await self._facts.waiting()
        FACTS.labels("waiting").set(waiting)
        FACTS.labels("refused").set(refused)
        return COUNT_EVERY_S

    async def _refused(self, refused: OpenFact, error: Exception) -> None:
        code = error.code if isinstance(error, ExchangeError) else FAULT
        REFUSED.labels(code).inc()
        log.error("fact_refused", key=refused.key, code=code, **fault(error))
        await self._put_off(refused, most_s=REFUSED_MOST_S, refused=code)

    async def _put_off(self, each: OpenFact, *, most_s: float, refused: str | None) -> None:
        wait_s = min(RETRY_AFTER_S * 2.0 ** min(each.tries, 30), most_s)
        await self._facts.put_off(each.key, not_before=self._clock.now() + timedelta(seconds=wait_s), refused=refused)
