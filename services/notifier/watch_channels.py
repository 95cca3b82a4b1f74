"""Watching channels: what is owed to somebody who takes no pushes stands before people, and goes out once they do."""

from collections.abc import Collection, Sequence

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_channels import PostgresChannels
from services.notifier.channels import Channels
from services.notifier.domain.notification import Notification
from services.notifier.facts import FactMaker
from services.notifier.rounds import AT_ONCE, Rounds
from shared.clock import Clock
from shared.identifiers import Recipient, is_queue
from shared.ledger.registry_copy import RegistryCopy
from shared.process.taking_turns import take_turns

WORK = "channels"
LOOK_EVERY_S = 1.0
NO_CHANNEL = "no_channel"


class ChannelWatcher:
    """Finds what no channel leads to and has it said, once for each obligation. It takes no turn until there is one."""

    def __init__(self, *, waiting: PostgresChannels, registry: RegistryCopy, facts: FactMaker, clock: Clock) -> None:
        self._waiting = waiting
        self._registry = registry
        self._channels = Channels(registry)
        self._facts = facts
        self._clock = clock
        self._rounds = Rounds(self._unreachable, self._queue, name_of=lambda each: each.obligation, work=WORK)

    async def run(self) -> None:
        """Watch until cancelled."""
        await take_turns(self._turn, work=WORK, retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY)

    async def _turn(self) -> float:
        return 0.0 if await self.queue_unreachable() == AT_ONCE else LOOK_EVERY_S

    async def queue_unreachable(self) -> int:
        """Put before people what is owed to those without an endpoint, some of it at a time; returns how much.

        Raises Unavailable when the ledger does not say who has one: whom it has not told us of may have been there.
        """
        return await self._rounds.go_on()

    async def _unreachable(self, passing_over: Collection[str]) -> Sequence[Notification]:
        owed_to = await self._waiting.recipients()
        if not self._without_channel(owed_to):
            return ()
        # An endpoint that was registered before the concern is not overlooked for being new.
        await self._registry.refresh()
        return await self._waiting.waiting_for(self._without_channel(owed_to), limit=AT_ONCE, passing_over=passing_over)

    def _without_channel(self, recipients: Collection[Recipient]) -> set[Recipient]:
        return {each for each in recipients if not is_queue(each)} - self._channels.recipients()

    async def _queue(self, owed: Notification) -> bool:
        return await self._waiting.queue(owed, self._facts.queued(owed, reason=NO_CHANNEL), now=self._clock.now())
