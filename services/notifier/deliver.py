"""Delivering: each notification pushed in its turn, again and again, until its recipient has signed for it (G5)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.notifier.adapters.postgres_store import PostgresStore
from services.notifier.domain.cloud_event import MEDIA_TYPE, event_bytes
from services.notifier.domain.notification import Notification, next_attempt_at
from services.notifier.facts import Fact, FactMaker
from services.notifier.open_content import ContentOpener, Told
from services.notifier.ports import (
    DELIVERED,
    RECEIVED,
    Ledger,
    Push,
    PushOutcome,
)
from shared.clock import Clock
from shared.entries import parse_entry
from shared.errors import ExchangeError, IntegrityFailure, NotFound
from shared.ledger.registry import EndpointFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.vocabulary import WITHOUT_DETAIL

AT_ONCE = 16
IDLE_S = 0.2
LEASE_MARGIN_S = 10.0
LOOK_AGAIN_FOR_CHANNEL_S = 5.0
LOOK_AGAIN_AFTER_ERASURE_S = 3600.0
NO_CHANNEL = "no_channel"
CONTENT_ERASED = "content_erased"

ATTEMPTS = Counter("notifier_attempts_total", "Attempts to push, by what came of them", ["outcome"])

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Persistence:
    """How often to try: first wait, longest wait, and how long one attempt may take."""

    first_s: float
    most_s: float
    timeout_s: float


class Deliverer:
    """Carries notifications out. Several processes may each run one: rows are leased, never shared."""

    def __init__(
        self,
        *,
        store: PostgresStore,
        ledger: Ledger,
        push: Push,
        registry: RegistryCopy,
        facts: FactMaker,
        clock: Clock,
        persistence: Persistence,
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._told = ContentOpener(ledger)
        self._push = push
        self._registry = registry
        self._facts = facts
        self._clock = clock
        self._persistence = persistence
        self._jitter = jitter

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                carried = await self.deliver_due()
            except Exception as error:
                # The database or the ledger may be away for a while: what is owed stays owed, and is tried again.
                log.warning("delivery_interrupted", kind=type(error).__name__)
                carried = 0
                await asyncio.sleep(1)
            if not carried:
                await asyncio.sleep(IDLE_S)

    async def deliver_due(self) -> int:
        """Carry out everything whose turn it is, once; returns how many were tried."""
        claimed = await self._store.claim(
            now=self._clock.now(), lease_s=self._persistence.timeout_s + LEASE_MARGIN_S, limit=AT_ONCE
        )
        await asyncio.gather(*(self._carry_out(notification, overtakes) for notification, overtakes in claimed))
        return len(claimed)

    async def _carry_out(self, claimed: Notification, overtakes: bool) -> None:
        endpoints = await self._endpoints_of(claimed)
        if not endpoints:
            await self._stand_in_queue(claimed, reason=NO_CHANNEL, again_s=LOOK_AGAIN_FOR_CHANNEL_S)
            return
        endpoint = endpoints[claimed.attempts % len(endpoints)]
        try:
            body = await self._event(claimed, endpoint)
        except NotFound:
            # There is nothing left to tell, but somebody was owed it: a person decides what they are told instead.
            ATTEMPTS.labels(CONTENT_ERASED).inc()
            await self._stand_in_queue(claimed, reason=CONTENT_ERASED, again_s=LOOK_AGAIN_AFTER_ERASURE_S)
            return
        except ExchangeError as error:
            # The ledger does not answer: the attempt is not made, and tried again later.
            log.warning("event_not_made", obligation=claimed.obligation, code=error.code)
            outcome = PushOutcome("ledger_unavailable")
            await self._store.begin_attempt(claimed, endpoint=endpoint.endpoint, now=self._clock.now())
        else:
            await self._store.begin_attempt(claimed, endpoint=endpoint.endpoint, now=self._clock.now())
            headers = {"content-type": MEDIA_TYPE, "exchange-overtaking": "?1" if overtakes else "?0"}
            outcome = await self._push.send(endpoint, obligation=claimed.obligation, body=body, headers=headers)
        ATTEMPTS.labels(outcome.outcome).inc()
        await self._record(claimed, endpoint, outcome)

    async def _endpoints_of(self, claimed: Notification) -> Sequence[EndpointFacts]:
        """Return where a notification can go. None that was registered before it is overlooked for being new."""
        endpoints = self._registry.current.endpoints_of(claimed.recipient)
        if not endpoints and not claimed.queued:
            try:
                await self._registry.refresh()
            except ExchangeError as error:
                log.warning("registry_not_refreshed", code=error.code)
            endpoints = self._registry.current.endpoints_of(claimed.recipient)
        return endpoints

    async def _record(self, claimed: Notification, endpoint: EndpointFacts, outcome: PushOutcome) -> None:
        now = self._clock.now()
        facts: Sequence[Fact] = ()
        state = None
        if outcome.outcome in (RECEIVED, DELIVERED):
            state = outcome.outcome
            facts = [
                self._facts.carried(
                    claimed,
                    state=state,
                    endpoint=endpoint.endpoint,
                    evidence=outcome.evidence,
                    registry=self._registry.current,
                    now=now,
                )
            ]
        log.info("push", obligation=claimed.obligation, attempt=claimed.attempts, outcome=outcome.outcome)
        await self._store.end_attempt(
            claimed,
            outcome=outcome.outcome,
            status=outcome.status,
            state=state,
            next_attempt_at=self._when_next(claimed, outcome, now=now),
            facts=facts,
            now=now,
        )

    def _when_next(self, claimed: Notification, outcome: PushOutcome, *, now: datetime) -> datetime:
        if outcome.outcome == DELIVERED:
            # It is there, but nobody has signed for it: it stays owed, and is brought again when the deadline passes.
            return max(claimed.due_at, now + timedelta(seconds=self._persistence.most_s))
        return next_attempt_at(
            now,
            attempts=claimed.attempts,
            first_s=self._persistence.first_s,
            most_s=self._persistence.most_s,
            jitter=self._jitter(),
        )

    async def _stand_in_queue(self, claimed: Notification, *, reason: str, again_s: float) -> None:
        now = self._clock.now()
        await self._store.stand_in_queue(
            claimed,
            next_attempt_at=now + timedelta(seconds=again_s),
            facts=[] if claimed.queued else [self._facts.queued(claimed, reason=reason)],
            now=now,
        )

    async def _event(self, claimed: Notification, endpoint: EndpointFacts) -> bytes:
        leaf = await self._leaf(claimed)
        entry = parse_entry(leaf)
        obligation = next((owed for owed in entry.obligations if owed.id == claimed.obligation), None)
        if obligation is None:
            raise IntegrityFailure(f"the entry at position {claimed.position} does not owe this")
        # Who is told without detail gets the entry's clear part alone; nothing is opened for it.
        shown = obligation.reasons != (WITHOUT_DETAIL,)
        told = await self._told.by(entry, claimed, endpoint) if shown else Told(None)
        origin = self._registry.log_facts()[0]
        return event_bytes(entry, obligation, leaf=leaf, content=told.content, history=told.history, origin=origin)

    async def _leaf(self, claimed: Notification) -> bytes:
        page = await self._ledger.entries(after=claimed.position - 1, limit=1)
        if not page.entries or page.entries[0].position != claimed.position:
            raise IntegrityFailure(f"the ledger has no entry at position {claimed.position}")
        return page.entries[0].leaf
