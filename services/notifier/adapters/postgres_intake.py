"""Taking entries in, in Postgres: one transaction in which nothing is taken twice and nothing by halves."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier.adapters.tables import (
    child_role,
    fact,
    intake,
    notification,
    partition_progress,
    seen,
    unreadable,
)
from services.notifier.domain.moves import KnownRole
from services.notifier.domain.notification import climbs
from services.notifier.facts import Fact
from services.notifier.ports import Road
from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.identifiers import AuthorityCode, ChildRef, Position, is_queue
from shared.ledger.progress import answer_due_at
from shared.vocabulary import EntryType, LadderState

ENTRIES = "entries"
"""The one row of the table that says up to where everything has been taken in."""

_LADDER_TYPES = {
    EntryType.NOTIFICATION_DELIVERED,
    EntryType.NOTIFICATION_RECEIVED,
    EntryType.NOTIFICATION_OWNED,
    EntryType.NOTIFICATION_DECIDED,
}


_SETTLING = {EntryType.WITHHOLDING_REVIEWED, EntryType.SHARE_RECORDED}


class Intake:
    """One transaction of taking entries in. Nothing is taken twice, whatever comes twice and in whatever order."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def is_new(self, position: Position) -> bool:
        """Mark an entry as taken in; False when it was already."""
        marked = await self._connection.execute(
            insert(seen).values(position=position).on_conflict_do_nothing().returning(seen.c.position)
        )
        if marked.first() is None:
            return False
        complete = await self._connection.scalar(select(intake.c.complete_up_to).where(intake.c.name == ENTRIES))
        return complete is None or position > complete

    async def owe(self, entry: Entry, *, road: Road, now: datetime) -> None:
        """Make a notification of each of an entry's obligations that is not one yet."""
        for owed in entry.obligations:
            await self._connection.execute(
                insert(notification)
                .values(
                    obligation_id=owed.id,
                    entry_id=entry.id,
                    entry_type=entry.type.value,
                    position=entry.position,
                    child=entry.subjects[0].ref if entry.subjects else None,
                    agency=entry.agency,
                    recipient=owed.recipient,
                    due_at=parse_rfc3339(owed.due_at),
                    created_at=now,
                    next_attempt_at=now,
                    queued=is_queue(owed.recipient),
                    came_by=road.came_by,
                    topic=road.topic,
                    partition=road.partition,
                    offset=road.offset,
                    answer_due_at=answer_due_at(entry, owed),
                )
                .on_conflict_do_nothing()
            )

    async def climb(self, entry: Entry) -> None:
        """Move a notification up the ladder as an entry says, or all that it settles; never down."""
        settled = entry.facts.get("settles")
        if entry.type in _SETTLING and isinstance(settled, list):
            for each in settled:
                await set_state(self._connection, str(each), LadderState.DECIDED.value)
            return
        obligation = entry.facts.get("obligation")
        if not isinstance(obligation, str):
            return
        if entry.type in _LADDER_TYPES:
            await set_state(self._connection, obligation, entry.type.value.removeprefix("notification."))
        elif entry.type is EntryType.QUEUE_RESOLVED:
            await set_state(self._connection, obligation, LadderState.DECIDED.value)

    async def known_roles(self, child: ChildRef) -> list[KnownRole]:
        """Return every role that an authority is known to have had to a child."""
        rows = await self._connection.execute(
            select(child_role.c.role, child_role.c.authority, child_role.c.position).where(child_role.c.child == child)
        )
        return [KnownRole(row.role, AuthorityCode(row.authority), row.position) for row in rows]

    async def learn_roles(self, entry: Entry) -> None:
        """Keep the roles that an entry tells of."""
        for subject in entry.subjects:
            for told in subject.roles:
                await self._connection.execute(
                    insert(child_role)
                    .values(child=subject.ref, role=told.role, position=entry.position, authority=told.authority)
                    .on_conflict_do_nothing()
                )

    @property
    def connection(self) -> AsyncConnection:
        """The transaction, for what is kept in tables of its own."""
        return self._connection

    async def say(self, facts: Iterable[Fact], *, now: datetime) -> None:
        """Have facts appended to the ledger."""
        await say(self._connection, facts, now=now)

    async def progress(self, *, topic: str, partition: int, position: Position) -> int | None:
        """Remember the last position seen in a partition, and return the one before; None when there was none."""
        before = await self._connection.scalar(
            select(partition_progress.c.position).where(
                partition_progress.c.topic == topic, partition_progress.c.partition == partition
            )
        )
        upsert = insert(partition_progress).values(topic=topic, partition=partition, position=position)
        await self._connection.execute(
            upsert.on_conflict_do_update(index_elements=["topic", "partition"], set_={"position": position})
        )
        return before

    async def note_unreadable(self, *, topic: str, partition: int, offset: int) -> None:
        """Put a record that is no entry on record."""
        await self._connection.execute(
            insert(unreadable).values(topic=topic, partition=partition, offset=offset).on_conflict_do_nothing()
        )


class IntakeTransaction:
    """An ``Intake`` that is committed when its block ends well and undone when it does not."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._beginning = engine.begin()

    async def __aenter__(self) -> Intake:
        return Intake(await self._beginning.__aenter__())

    async def __aexit__(self, *ended: object) -> None:
        await self._beginning.__aexit__(*ended)  # type: ignore[arg-type]


async def set_state(connection: AsyncConnection, obligation: str, state: str) -> None:
    """Move a notification up to a rung; one that stands as high or higher stays."""
    lower = [rung.value for rung in LadderState if climbs(rung.value, state)]
    await connection.execute(
        update(notification)
        .where(notification.c.obligation_id == obligation, notification.c.state.in_(lower))
        .values(state=state)
    )


async def say(connection: AsyncConnection, facts: Iterable[Fact], *, now: datetime) -> None:
    """Keep facts until the ledger has them; one that is kept already is left as it is."""
    for made in facts:
        await connection.execute(
            insert(fact).values(key=made.key, request=made.to_text(), created_at=now).on_conflict_do_nothing()
        )
