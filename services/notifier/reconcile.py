"""Reconciling with the ledger: whatever Kafka did not bring is fetched, so that nothing depends on it (G5, G6)."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import structlog
from prometheus_client import Counter, Gauge

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.ports import RECONCILED, Ledger
from services.notifier.take_in import EntryTaker
from shared.clock import Clock, parse_rfc3339
from shared.entries import Entry, parse_entry
from shared.errors import InvalidInput
from shared.identifiers import Position
from shared.ledger.messages import StoredEntry
from shared.process.taking_turns import note_failure

PAGE = 500
WAIT_FOR_KAFKA_S = 15.0

FETCHED = Counter("notifier_reconciled_total", "Entries fetched from the ledger because Kafka did not bring them")
UNREADABLE = Gauge("notifier_unreadable_entries", "Entries of the ledger that this release cannot read")

log = structlog.get_logger()


class Reconciler:
    """Compares what has been taken in with the ledger, at the start, on a timer, and when a loss is noticed."""

    def __init__(
        self,
        *,
        store: PostgresStore,
        ledger: Ledger,
        taker: EntryTaker,
        clock: Clock,
        interval_s: float,
        caught_up: asyncio.Event | None,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._taker = taker
        self._clock = clock
        self._interval_s = interval_s
        self._caught_up = caught_up
        self._lost = asyncio.Event()

    def notice_loss(self) -> None:
        """Say that Kafka skipped something: reconcile at once."""
        self._lost.set()

    async def run(self) -> None:
        """Reconcile until cancelled. Kafka gets its chance first, so that the fast road is the usual one."""
        if self._caught_up is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._caught_up.wait(), WAIT_FOR_KAFKA_S)
        while True:
            loss = self._lost.is_set()
            self._lost.clear()
            try:
                await self.reconcile(grace_s=0.0 if loss or self._caught_up is None else self._interval_s)
            except Exception as error:
                # Whatever it was, the comparison is made again on the next turn.
                note_failure(error, work="reconciling", away=DATABASE_AWAY)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._interval_s)

    async def reconcile(self, *, grace_s: float) -> int:
        """Take in every entry older than ``grace_s`` that is missing; returns how many. Younger ones are Kafka's.

        An entry that this release cannot read stays missing, for one that can; the others go on without it.
        """
        fetched = 0
        unreadable: list[Position] = []
        after = await self._store.complete_up_to()
        seen = await self._store.seen_above(after)
        youngest = self._clock.now() - timedelta(seconds=grace_s)
        while True:
            page = await self._ledger.entries(after=after, limit=PAGE)
            missing = _read([stored for stored in page.entries if stored.position not in seen], unreadable)
            fetched += await self._take_in([entry for entry in missing if parse_rfc3339(entry.time) <= youngest])
            if len(page.entries) < PAGE:
                break
            after = page.entries[-1].position
        if fetched:
            FETCHED.inc(fetched)
            log.info("reconciled", entries=fetched)
        UNREADABLE.set(len(unreadable))
        if unreadable:
            log.error("entries_unreadable", entries=len(unreadable), first=unreadable[0])
        return fetched

    async def _take_in(self, missing: list[Entry]) -> int:
        taken = 0
        for entry in missing:
            async with self._store.intake() as intake:
                taken += await self._taker.take_in(entry, road=RECONCILED, intake=intake)
        return taken


def _read(stored: Sequence[StoredEntry], unreadable: list[Position]) -> list[Entry]:
    """Return the entries that can be read, and add the positions of the others to ``unreadable``."""
    read = []
    for each in stored:
        try:
            read.append(parse_entry(each.leaf))
        except InvalidInput:
            unreadable.append(each.position)
    return read
