"""How far obligations have come, gone over again in Postgres: what a notifier of the release before did not keep."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notifier.adapters.postgres_intake import ENTRIES, Intake, set_state
from services.notifier.adapters.tables import early_state, intake, notification, seen
from shared.entries import Entry
from shared.vocabulary import LadderState

STATES = "states"
"""The row of the table ``intake`` that says up to where states have been gone over."""

AT_ONCE = 500


class PostgresStates:
    """States gone over again. Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def to_go_over(self) -> tuple[int, int]:
        """Return after which position, and up to which, entries are still to be gone over.

        The first time it is from the earliest notification that is not decided on.
        """
        undecided = select(func.min(notification.c.position)).where(notification.c.state != LadderState.DECIDED.value)
        async with self._engine.begin() as connection:
            names = select(intake.c.name, intake.c.complete_up_to)
            marks = {row.name: int(row.complete_up_to) for row in await connection.execute(names)}
            highest = await connection.scalar(select(func.max(seen.c.position)))
            last = max(marks.get(ENTRIES, -1), -1 if highest is None else int(highest))
            if STATES in marks:
                return marks[STATES], last
            earliest = await connection.scalar(undecided)
            after = last if earliest is None else int(earliest) - 1
            await connection.execute(insert(intake).values(name=STATES, complete_up_to=after).on_conflict_do_nothing())
            return after, last

    async def go_over(self, entries: Sequence[Entry], *, last: int) -> None:
        """Move notifications up as entries say, and remember up to where they have been gone over."""
        async with self._engine.begin() as connection:
            again = Intake(connection)
            await again.hold(entries)
            for entry in entries:
                await again.climb(entry)
            mark = insert(intake).values(name=STATES, complete_up_to=last)
            furthest = func.greatest(intake.c.complete_up_to, mark.excluded.complete_up_to)
            await connection.execute(
                mark.on_conflict_do_update(index_elements=["name"], set_={"complete_up_to": furthest})
            )

    async def apply_early(self) -> int:
        """Apply what was kept of obligations that have become notifications since; returns of how many."""
        kept = select(early_state).join(notification, notification.c.obligation_id == early_state.c.obligation_id)
        async with self._engine.begin() as connection:
            rows = (await connection.execute(kept.limit(AT_ONCE))).all()
            for row in rows:
                await set_state(connection, row.obligation_id, row.state)
                applied = (early_state.c.obligation_id == row.obligation_id, early_state.c.state == row.state)
                await connection.execute(delete(early_state).where(*applied))
            return len(rows)
