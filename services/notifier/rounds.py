"""Rounds: what is found until it is done is gone through to its end, so that what always fails holds up no other."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar

from services.notifier.adapters.database_away import DATABASE_AWAY
from shared.process.taking_turns import each_apart

Item = TypeVar("Item")
AT_ONCE = 100


class Rounds(Generic[Item]):
    """Does something with each of what is found, some at a time.

    What failed is passed over until the end has been reached, and then tried again with the rest. ``find`` is asked
    for at most AT_ONCE, without those whose names it is given.
    """

    def __init__(
        self,
        find: Callable[[Collection[str]], Awaitable[Sequence[Item]]],
        do: Callable[[Item], Awaitable[bool]],
        *,
        name_of: Callable[[Item], str],
        work: str,
    ) -> None:
        self._find = find
        self._do = do
        self._name_of = name_of
        self._work = work
        self._failed: set[str] = set()

    async def go_on(self) -> int:
        """Go on with what is found next; return with how many it was done.

        Raises what says that something which all of them need does not answer.
        """
        found = await self._find(self._failed)
        done = await each_apart(found, self._apart, work=self._work, away=DATABASE_AWAY)
        if len(found) < AT_ONCE:
            self._failed.clear()
        return done

    async def _apart(self, item: Item) -> bool:
        try:
            return await self._do(item)
        except Exception:
            self._failed.add(self._name_of(item))
            raise
