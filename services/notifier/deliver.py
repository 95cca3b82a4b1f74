"""Delivering: each notification pushed in its turn, again and again, until its recipient has signed for it (G5)."""

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_turns import Claimed, PostgresTurns
from services.notifier.channels import Channel, Channels
from services.notifier.domain.cloud_event import MEDIA_TYPE
from services.notifier.domain.notification import Notification, next_attempt_at
from services.notifier.facts import Fact, FactMaker
from services.notifier.make_event import EventMaker
from services.notifier.ports import DELIVERED, RECEIVED, Push, PushOutcome
from services.notifier.room import TO_ONE_ENDPOINT, Room
from shared.clock import Clock
from shared.errors import NotFound, Unavailable
from shared.identifiers import ChildRef, ObligationId, Recipient
from shared.ledger.registry import EndpointFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.process.taking_turns import note_failure, take_turns

WORK = "delivery"
IDLE_S = 0.2
BETWEEN_CLAIMS_S = 0.05
RETRY_AFTER_S = 1.0
LEASE_MARGIN_S = 10.0
LOOK_AGAIN_FOR_LEDGER_S = 5.0
LOOK_AGAIN_AFTER_ERASURE_S = 3600.0
LEDGER_UNAVAILABLE = "ledger_unavailable"
CONTENT_ERASED = "content_erased"
NOT_TO_BE_MADE = "cannot_be_made"

ATTEMPTS = Counter("notifier_attempts_total", "Attempts to push, by what came of them", ["outcome"])
NOT_TOLD = Counter("notifier_not_told_total", "Pushes not attempted since there is nothing to send, by why", ["reason"])

log = structlog.get_logger()

Pair = tuple[Recipient, ChildRef | None]
"""A recipient and a child: what is owed to one about the other goes out one after the other."""


@dataclass(frozen=True, slots=True)
class Persistence:
    """How often to try: first wait, longest wait, and how long one attempt may take."""

    first_s: float
    most_s: float
    timeout_s: float

    @property
    def lease_s(self) -> float:
        """How long a notification is one process's own, from its claim and again from the begin of an attempt."""
        return self.timeout_s + LEASE_MARGIN_S


class Deliverer:
    """Carries notifications out. Several processes may each run one: rows are leased, never shared.

    Many pushes are under way at once and few to one host or endpoint, so that one that hangs holds up nobody else.
    """

    def __init__(
        self,
        *,
        turns: PostgresTurns,
        events: EventMaker,
        push: Push,
        registry: RegistryCopy,
        facts: FactMaker,
        clock: Clock,
        persistence: Persistence,
        jitter: Callable[[], float],
    ) -> None:
        self._turns = turns
        self._events = events
        self._push = push
        self._registry = registry
        self._facts = facts
        self._clock = clock
        self._persistence = persistence
        self._jitter = jitter
        self._channels = Channels(registry)
        self._room = Room()
        self._under_way: dict[ObligationId, asyncio.Task[None]] = {}
        self._pairs: set[Pair] = set()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            await take_turns(self._turn, work=WORK, retry_after_s=RETRY_AFTER_S, away=DATABASE_AWAY)
        finally:
            under_way = list(self._under_way.values())
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def deliver_due(self) -> int:
        """Carry out everything whose turn it is, once, and wait for it; returns how much was tried."""
        started = await self.start_due()
        await asyncio.gather(*started)
        return len(started)

    async def start_due(self) -> list[asyncio.Task[None]]:
        """Start what is due, as far as there is room, and return what was started."""
        chosen: dict[ObligationId, Channel] = {}

        def choose(candidates: Sequence[Notification]) -> Sequence[ObligationId]:
            chosen.update(self._chosen(candidates))
            return list(chosen)

        claimed = await self._turns.claim(
            self._reachable_now(),
            now=self._clock.now(),
            lease_s=self._persistence.lease_s,
            of_each=TO_ONE_ENDPOINT,
            choose=choose,
        )
        return [self._start(each, chosen[each.notification.obligation]) for each in claimed]

    async def _turn(self) -> float:
        self._ended.clear()
        if not await self.start_due():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), IDLE_S)
        return BETWEEN_CLAIMS_S

    def _reachable_now(self) -> AbstractSet[Recipient]:
        """Return to whom a push could go now: who has a channel on which there is room."""
        if not self._room.left_in_all():
            return frozenset()
        beside = {each for host in self._room.hosts() for each in self._channels.recipients_at(host)}
        full = {each for each in beside if not any(map(self._room.left, self._channels.of(each)))}
        return self._channels.recipients() - full

    def _chosen(self, candidates: Sequence[Notification]) -> dict[ObligationId, Channel]:
        """Return what there is room for, each with its channel, and of what belongs in one order the first alone."""
        chosen: dict[ObligationId, Channel] = {}
        plan, pairs = self._room.planned(), set(self._pairs)
        for notification in self._alternating(candidates):
            if notification.obligation in self._under_way or _pair(notification) in pairs:
                continue
            channels = self._channels.of(notification.recipient)
            first = notification.attempts % len(channels) if channels else 0
            channel = next((each for each in channels[first:] + channels[:first] if plan.left(each)), None)
            if channel is not None:
                plan.enter(channel)
                pairs.add(_pair(notification))
                chosen[notification.obligation] = channel
        return chosen

    def _alternating(self, candidates: Sequence[Notification]) -> Iterator[Notification]:
        """Yield candidates as they stand, except that those to silent endpoints of one host change places.

        Whoever has not been tried for longest comes first among these, however urgent what is owed to another: else
        the one to whom most is owed would keep its neighbours from ever being tried again.
        """
        silent: dict[str, deque[Notification]] = defaultdict(deque)
        for each in sorted(filter(self._last_in_vain, candidates), key=self._last_in_vain):
            silent[self._channels.of(each.recipient)[0].host].append(each)
        for each in candidates:
            if self._last_in_vain(each):
                yield silent[self._channels.of(each.recipient)[0].host].popleft()
            else:
                yield each

    def _last_in_vain(self, notification: Notification) -> int:
        return min(map(self._room.last_in_vain, self._channels.of(notification.recipient)), default=0)

    def _start(self, claimed: Claimed, channel: Channel) -> asyncio.Task[None]:
        obligation, pair = claimed.notification.obligation, _pair(claimed.notification)
        self._room.enter(channel)
        task = asyncio.create_task(self._carry_out(claimed, channel))
        self._under_way[obligation] = task
        self._pairs.add(pair)

        def ended(task: asyncio.Task[None]) -> None:
            del self._under_way[obligation]
            self._pairs.discard(pair)
            self._room.leave(channel)
            self._ended.set()
            error = None if task.cancelled() else task.exception()
            if isinstance(error, Exception):
                # What was begun stays on record with its outcome unknown, and its turn comes again after the lease.
                note_failure(error, work=WORK, away=DATABASE_AWAY, obligation=obligation)

        task.add_done_callback(ended)
        return task

    async def _carry_out(self, claimed: Claimed, channel: Channel) -> None:
        notification, endpoint = claimed.notification, channel.endpoint
        body = await self._event(notification, endpoint)
        if body is None:
            return
        number = await self._turns.begin_attempt(
            notification, endpoint=endpoint.endpoint, now=self._clock.now(), lease_s=self._persistence.lease_s
        )
        if number is None:
            log.info("attempt_left_to_another", obligation=notification.obligation)
            return
        headers = {"content-type": MEDIA_TYPE, "exchange-overtaking": "?1" if claimed.overtakes else "?0"}
        outcome = await self._push.send(endpoint, obligation=notification.obligation, body=body, headers=headers)
        self._room.note(channel, answered=outcome.status is not None)
        ATTEMPTS.labels(outcome.outcome).inc()
        await self._record(replace(notification, attempts=number), endpoint, outcome)

    async def _event(self, notification: Notification, endpoint: EndpointFacts) -> bytes | None:
        """Return what to push; None when nothing can be pushed now, and the notification has been dealt with."""
        try:
            return await self._events.event(notification, endpoint)
        except (Unavailable, OSError) as error:
            # That the ledger does not answer is not the recipient's doing: no attempt, and no longer wait for it.
            NOT_TOLD.labels(LEDGER_UNAVAILABLE).inc()
            log.warning("event_not_made", obligation=notification.obligation, kind=type(error).__name__)
            await self._turns.put_off(notification, next_attempt_at=self._in(LOOK_AGAIN_FOR_LEDGER_S))
        except NotFound:
            # There is nothing left to tell, but somebody was owed it: a person decides what they are told instead.
            await self._stand_in_queue(notification, reason=CONTENT_ERASED, again_s=LOOK_AGAIN_AFTER_ERASURE_S)
        except Exception as error:
            # Stored evidence contradicts itself, or a fault of ours: it may never mend itself, so that people are told.
            note_failure(error, work="event", obligation=notification.obligation)
            await self._stand_in_queue(notification, reason=NOT_TO_BE_MADE, again_s=self._persistence.most_s)
        return None

    async def _record(self, begun: Notification, endpoint: EndpointFacts, outcome: PushOutcome) -> None:
        now = self._clock.now()
        facts: Sequence[Fact] = ()
        state = None
        if outcome.outcome in (RECEIVED, DELIVERED):
            state = outcome.outcome
            facts = [
                self._facts.carried(
                    begun,
                    state=state,
                    endpoint=endpoint.endpoint,
                    evidence=outcome.evidence,
                    registry=self._registry.current,
                    now=now,
                )
            ]
        log.info("push", obligation=begun.obligation, attempt=begun.attempts, outcome=outcome.outcome)
        await self._turns.end_attempt(
            begun,
            outcome=outcome.outcome,
            status=outcome.status,
            state=state,
            next_attempt_at=self._when_next(begun, outcome, now=now),
            facts=facts,
            now=now,
        )

    def _when_next(self, begun: Notification, outcome: PushOutcome, *, now: datetime) -> datetime:
        if outcome.outcome == DELIVERED:
            # It is there, but nobody has signed for it: it stays owed, and is brought again when the deadline passes.
            return max(begun.due_at, now + timedelta(seconds=self._persistence.most_s))
        return next_attempt_at(
            now,
            attempts=begun.attempts,
            first_s=self._persistence.first_s,
            most_s=self._persistence.most_s,
            jitter=self._jitter(),
        )

    async def _stand_in_queue(self, notification: Notification, *, reason: str, again_s: float) -> None:
        NOT_TOLD.labels(reason).inc()
        await self._turns.stand_in_queue(
            notification,
            next_attempt_at=self._in(again_s),
            facts=[self._facts.queued(notification, reason=reason)],
            now=self._clock.now(),
        )

    def _in(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)


def _pair(notification: Notification) -> Pair:
    return notification.recipient, notification.child
