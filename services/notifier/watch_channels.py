"""Watching channels: what is owed to somebody who takes no pushes stands before people, and goes out once they do."""

from collections.abc import Set as AbstractSet

from services.notifier.adapters.database_away import DATABASE_AWAY
from services.notifier.adapters.postgres_turns import PostgresTurns
from services.notifier.facts import FactMaker
from shared.clock import Clock
from shared.identifiers import Recipient
from shared.ledger.registry_copy import RegistryCopy
from shared.process.taking_turns import take_turns

LOOK_EVERY_S = 1.0
AT_ONCE = 100
NO_CHANNEL = "no_channel"


class ChannelWatcher:
    """Finds what no channel leads to and has it said, once for each obligation. It takes no turn until there is one."""

    def __init__(self, *, turns: PostgresTurns, registry: RegistryCopy, facts: FactMaker, clock: Clock) -> None:
        self._turns = turns
        self._registry = registry
        self._facts = facts
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled."""
        await take_turns(self._turn, work="channels", retry_after_s=LOOK_EVERY_S, away=DATABASE_AWAY)

    async def _turn(self) -> float:
        return 0.0 if await self.queue_unreachable() == AT_ONCE else LOOK_EVERY_S

    async def queue_unreachable(self) -> int:
        """Put before people all that is owed to somebody without an endpoint; returns how much.

        Raises Unavailable when the ledger does not say who has one: whom it has not told us of may have been there.
        """
        if not await self._turns.without_channel(self._reachable(), limit=1):
            return 0
        # An endpoint that was registered before the concern is not overlooked for being new.
        await self._registry.refresh()
        found = await self._turns.without_channel(self._reachable(), limit=AT_ONCE)
        for each in found:
            made = self._facts.queued(each, reason=NO_CHANNEL)
            await self._turns.queue_without_channel(each, made, now=self._clock.now())
        return len(found)

    def _reachable(self) -> AbstractSet[Recipient]:
        return {each.recipient for each in self._registry.current.endpoints.values()}
