"""The withholdings in force, in Postgres: what an entry says of one, and which are to be opened again or chased."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Row, all_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier.adapters.postgres_intake import say
from services.notifier.adapters.tables import child_harm, withholding
from services.notifier.adapters.turn_order import listed
from services.notifier.domain.withholdings import Standing, StandingWithholding
from services.notifier.facts import Fact
from shared.entries import Entry
from shared.identifiers import AgencyId, ChildRef, EntryId


@dataclass(frozen=True, slots=True)
class ToReopen:
    """A withholding in force, and the entry that tells of harm since."""

    withholding: StandingWithholding
    because_of: EntryId


async def keep_standing(connection: AsyncConnection, standing: Standing) -> None:
    """Keep how a withholding stands, unless a later entry has said so already."""
    values = {
        "position": standing.position,
        "child": standing.child,
        "agency": standing.agency,
        "review_due_on": standing.review_due_on,
        "reopens": standing.reopens,
        "ended": standing.ended,
        "chased": False,
        "reopened": False,
    }
    kept = insert(withholding).values(withholding_id=standing.withholding, **values)
    await connection.execute(
        kept.on_conflict_do_update(
            index_elements=["withholding_id"], set_=values, where=withholding.c.position < standing.position
        )
    )


async def keep_harm(connection: AsyncConnection, entry: Entry) -> None:
    """Keep that an entry tells of harm to its child, unless a later one has."""
    values = {"position": entry.position, "entry_id": entry.id}
    kept = insert(child_harm).values(child=entry.subjects[0].ref, **values)
    await connection.execute(
        kept.on_conflict_do_update(index_elements=["child"], set_=values, where=child_harm.c.position < entry.position)
    )


async def take_to_reopen(connection: AsyncConnection, child: ChildRef) -> list[ToReopen]:
    """Return the child's withholdings that harm told of since opens again, each once until it is reviewed."""
    found = (
        select(withholding, child_harm.c.entry_id)
        .join(child_harm, child_harm.c.child == withholding.c.child)
        .where(
            withholding.c.child == child,
            withholding.c.ended.is_(False),
            withholding.c.reopens.is_(True),
            withholding.c.reopened.is_(False),
            child_harm.c.position > withholding.c.position,
        )
        .with_for_update(of=withholding)
    )
    rows = (await connection.execute(found)).all()
    for row in rows:
        await connection.execute(
            update(withholding).where(withholding.c.withholding_id == row.withholding_id).values(reopened=True)
        )
    return [ToReopen(_standing(row), EntryId(row.entry_id)) for row in rows if row.agency is not None]


class PostgresWithholdings:
    """What the watcher of reviews asks. Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def to_chase(self, *, today: date, limit: int, passing_over: Collection[str]) -> list[StandingWithholding]:
        """Return withholdings whose day of review has passed, and that were not chased since they last changed.

        The longest overdue come first.
        """
        query = (
            select(withholding)
            .where(
                withholding.c.review_due_on < today,
                withholding.c.ended.is_(False),
                withholding.c.chased.is_(False),
                withholding.c.agency.is_not(None),
                withholding.c.withholding_id != all_(listed(passing_over)),
            )
            .order_by(withholding.c.review_due_on)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [_standing(row) for row in await connection.execute(query)]

    async def chase(self, overdue: StandingWithholding, made: Fact, *, now: datetime) -> None:
        """Have it said, once, that a review is overdue; not if the withholding was reviewed meanwhile."""
        async with self._engine.begin() as connection:
            chased = await connection.execute(
                update(withholding)
                .where(
                    withholding.c.withholding_id == overdue.withholding,
                    withholding.c.review_due_on == overdue.review_due_on,
                    withholding.c.ended.is_(False),
                    withholding.c.chased.is_(False),
                )
                .values(chased=True)
                .returning(withholding.c.withholding_id)
            )
            if chased.first() is not None:
                await say(connection, [made], now=now)


def _standing(row: Row[tuple[object, ...]]) -> StandingWithholding:
    return StandingWithholding(
        EntryId(row.withholding_id),
        ChildRef(row.child) if row.child is not None else None,
        AgencyId(row.agency),
        row.review_due_on,
    )
