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
from shared.errors import InvalidInput, Unavailable
from shared.identifiers import Position
from shared.ledger.messages import StoredEntry
from shared.process.taking_turns import category_of, note_failure, take_turns

WORK = "reconciling"
PAGE = 500
WAIT_FOR_KAFKA_S = 15.0
TRIED_AGAIN = 50
COMPARE_ALL_EVERY_S = 3600.0

FETCHED = Counter("notifier_reconciled_total", "Entries fetched from the ledger because Kafka did not bring them")
UNREADABLE = Gauge("notifier_unreadable_entries", "Entries of the ledger that this release cannot read")
FAILED = Gauge("notifier_failed_entries", "Entries of the ledger that could not be taken in, by a fault of ours")

log = structlog.get_logger()


class Reconciler:
    """Compares what has been taken in with the ledger, at the start, on a timer, and when a loss is noticed.

    What cannot be taken in stays open, and is remembered here: what comes after it is compared once, and not on every
    turn. All that is open is compared anew every hour, and by every process that is started.
    """

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
        self._begun = False
        self._complete = self._through = -1
        """Up to where all has been taken in, and up to where all has been compared: the rest of it is left open."""
        self._compared_all_at: float | None = None
        self._unreadable: set[Position] = set()
        self._failed: set[Position] = set()
        self._missed_since: dict[Position, float] = {}

    def notice_loss(self) -> None:
        """Say that Kafka skipped something: reconcile at once."""
        self._lost.set()

    async def run(self) -> None:
        """Reconcile until cancelled. Kafka gets its chance first, so that the fast road is the usual one."""
        if self._caught_up is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._caught_up.wait(), WAIT_FOR_KAFKA_S)
        await take_turns(self._turn, work=WORK, retry_after_s=0.0, away=DATABASE_AWAY)

    async def reconcile(self, *, grace_s: float) -> int:
        """Take in what is missing, and return how many entries that were.

        For ``grace_s`` Kafka may still bring an entry: since it was recorded, or, however the clocks stand to one
        another, since it was first missed here. What cannot be read or taken in stays missing; the others go on
        without it.
        """
        await self._begin()
        fetched = await self._try_again()
        after, compared = self._through, True
        while True:
            page = await self._ledger.entries(after=after, limit=PAGE)
            if page.entries:
                last = page.entries[-1].position
                seen = await self._store.seen_between(after, last)
                missing = [stored for stored in page.entries if stored.position not in seen]
                late, early = self._by_age(missing, grace_s=grace_s)
                fetched += await self._take_in(late)
                if compared:
                    self._through = early[0].position - 1 if early else last
                compared = compared and not early
                after = last
            if len(page.entries) < PAGE:
                break
        self._say(fetched)
        return fetched

    async def _turn(self) -> float:
        if self._begun:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._interval_s)
        self._begun = True
        loss = self._lost.is_set()
        self._lost.clear()
        await self.reconcile(grace_s=0.0 if loss or self._caught_up is None else self._interval_s)
        return 0.0

    async def _begin(self) -> None:
        """Find out from where on to compare. After a step back, as of a database put back, it is from the beginning."""
        complete, now_s = await self._store.complete_up_to(), asyncio.get_running_loop().time()
        due = self._compared_all_at is None or now_s >= self._compared_all_at + COMPARE_ALL_EVERY_S
        if due or complete < self._complete:
            self._compared_all_at, self._through = now_s, complete
            self._unreadable.clear()
            self._failed.clear()
        self._complete, self._through = complete, max(complete, self._through)
        self._unreadable = {position for position in self._unreadable if position > complete}
        self._failed = {position for position in self._failed if position > complete}
        self._missed_since = {at: since for at, since in self._missed_since.items() if at > self._through}

    async def _try_again(self) -> int:
        """Try some of what could not be taken in once more; returns how many entries could be."""
        taken = 0
        for position in sorted(self._failed)[:TRIED_AGAIN]:
            page = await self._ledger.entries(after=position - 1, limit=1)
            taken += await self._take_in(page.entries)
        return taken

    def _by_age(
        self, missing: Sequence[StoredEntry], *, grace_s: float
    ) -> tuple[Sequence[StoredEntry], Sequence[StoredEntry]]:
        """Return what to take in now, and what Kafka may still bring."""
        if grace_s <= 0:
            return missing, ()
        now_s = asyncio.get_running_loop().time()
        early = [
            stored
            for stored in missing
            if now_s < self._missed_since.setdefault(stored.position, now_s) + grace_s
            and self._is_young(stored, grace_s=grace_s)
        ]
        waiting = {stored.position for stored in early}
        return [stored for stored in missing if stored.position not in waiting], early

    def _is_young(self, stored: StoredEntry, *, grace_s: float) -> bool:
        entry = self._read(stored)
        try:
            return entry is not None and parse_rfc3339(entry.time) > self._clock.now() - timedelta(seconds=grace_s)
        except InvalidInput:
            return False

    async def _take_in(self, missing: Sequence[StoredEntry]) -> int:
        """Take entries in, each by itself; one that cannot be is left open, unless the database is away."""
        taken = 0
        for stored in missing:
            entry = self._read(stored)
            if entry is None:
                continue
            try:
                async with self._store.intake() as intake:
                    taken += await self._taker.take_in(entry, road=RECONCILED, intake=intake)
            except Exception as error:
                if category_of(error, away=DATABASE_AWAY) == Unavailable.__name__:
                    raise
                note_failure(error, work=WORK, away=DATABASE_AWAY, position=str(stored.position))
                self._failed.add(stored.position)
            else:
                self._failed.discard(stored.position)
        return taken

    def _read(self, stored: StoredEntry) -> Entry | None:
        """Return an entry; None, and remembered, where this release cannot read it."""
        try:
            return parse_entry(stored.leaf)
        except InvalidInput:
            self._unreadable.add(stored.position)
            return None

    def _say(self, fetched: int) -> None:
        if fetched:
            FETCHED.inc(fetched)
            log.info("reconciled", entries=fetched)
        for what, positions, gauge in (
            ("entries_unreadable", self._unreadable, UNREADABLE),
            ("entries_failed", self._failed, FAILED),
        ):
            gauge.set(len(positions))
            if positions:
                log.error(what, entries=len(positions), first=min(positions))
