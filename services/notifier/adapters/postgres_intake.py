"""Taking entries in, in Postgres: one transaction in which nothing is taken twice and nothing by halves."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import groupby

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notifier.adapters.tables import (
    child_role,
    early_state,
    fact,
    intake,
    notification,
    partition_progress,
    seen,
)
from services.notifier.domain.moves import Report
from services.notifier.domain.notification import climbs
from services.notifier.domain.withholdings import standing_by
from services.notifier.facts import Fact
from services.notifier.ports import Road
from shared.clock import parse_rfc3339
from shared.entries import Entry, RoleFact
from shared.entry_types import SETTLING_TYPES
from shared.identifiers import AuthorityCode, ChildRef, EntryId, Position, is_queue
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


class Intake:
    """One transaction of taking entries in. Nothing is taken twice, whatever comes twice and in whatever order."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._held: set[int] = set()
        self._asked_early: set[str] = set()
        self._early: set[str] = set()

    async def hold(self, entries: Sequence[Entry]) -> None:
        """Wait for every other transaction that takes in something of the same children or obligations.

        Each would otherwise hold what it takes in only against what the other had not yet committed, and a move that
        the two show together would be told to nobody. To be called first, with all entries of the transaction: locks
        are taken in one order everywhere, so that no two wait for each other.
        """
        wanted = {_lock(name) for entry in entries for name in _spoken_of(entry)} - self._held
        if wanted:
            locks = text("SELECT pg_advisory_xact_lock(each) FROM unnest(CAST(:wanted AS bigint[])) AS each")
            await self._connection.execute(locks, {"wanted": sorted(wanted)})
            self._held |= wanted
        owed = {owed.id for entry in entries for owed in entry.obligations} - self._asked_early
        if owed:
            early = select(early_state.c.obligation_id).where(early_state.c.obligation_id.in_(owed))
            self._early |= set(await self._connection.scalars(early))
            self._asked_early |= owed

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
                    urgency=owed.urgency,
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
            if owed.id in self._early:
                early = delete(early_state).where(early_state.c.obligation_id == owed.id).returning(early_state.c.state)
                for state in (await self._connection.scalars(early)).all():
                    await set_state(self._connection, owed.id, state)

    async def climb(self, entry: Entry) -> None:
        """Move a notification up the ladder as an entry says, or all that it settles; never down.

        What is said of an obligation that is no notification yet is kept until it is one.
        """
        for obligation, state in told_of_obligations(entry):
            if await set_state(self._connection, obligation, state):
                continue
            there = select(notification.c.obligation_id).where(notification.c.obligation_id == obligation)
            if await self._connection.scalar(there) is not None:
                continue
            self._early.add(obligation)
            early = insert(early_state).values(obligation_id=obligation, state=state)
            lower = early_state.c.state.in_(rungs_below(state))
            await self._connection.execute(
                early.on_conflict_do_update(index_elements=["obligation_id"], set_={"state": state}, where=lower)
            )

    async def learn_roles(self, entry: Entry) -> None:
        """Keep the roles that an entry tells of."""
        permanence = entry.facts.get("permanence")
        for subject in entry.subjects:
            for told in subject.roles:
                await self._connection.execute(
                    insert(child_role)
                    .values(
                        child=subject.ref,
                        role=told.role,
                        position=entry.position,
                        authority=told.authority,
                        entry_id=entry.id,
                        entry_type=entry.type.value,
                        permanence=permanence if isinstance(permanence, str) else None,
                    )
                    .on_conflict_do_nothing()
                )

    async def reports(self, child: ChildRef) -> list[Report]:
        """Return all that is known of which authorities had a role to a child, in the ledger's order."""
        query = select(child_role).where(child_role.c.child == child).order_by(child_role.c.position, child_role.c.role)
        rows = (await self._connection.execute(query)).all()
        return [_report(position, list(group)) for position, group in groupby(rows, key=lambda row: row.position)]

    @property
    def connection(self) -> AsyncConnection:
        """The transaction, for what is kept in tables of its own."""
        return self._connection

    async def say(self, facts: Iterable[Fact], *, now: datetime) -> None:
        """Have facts appended to the ledger."""
        await say(self._connection, facts, now=now)

    async def progress(self, *, topic: str, partition: int) -> Position | None:
        """Return the last position seen in a partition; None when there was none."""
        return await self._connection.scalar(
            select(partition_progress.c.position).where(
                partition_progress.c.topic == topic, partition_progress.c.partition == partition
            )
        )

    async def reach(self, *, topic: str, partition: int, position: Position) -> None:
        """Remember the last position seen in a partition."""
        upsert = insert(partition_progress).values(topic=topic, partition=partition, position=position)
        await self._connection.execute(
            upsert.on_conflict_do_update(index_elements=["topic", "partition"], set_={"position": position})
        )


def told_of_obligations(entry: Entry) -> list[tuple[str, str]]:
    """Return which obligations an entry moves, each with the rung that it reaches."""
    settled = entry.facts.get("settles")
    if entry.type in SETTLING_TYPES and isinstance(settled, list):
        return [(str(each), LadderState.DECIDED.value) for each in settled]
    obligation = entry.facts.get("obligation")
    if not isinstance(obligation, str):
        return []
    if entry.type in _LADDER_TYPES:
        return [(obligation, entry.type.value.removeprefix("notification."))]
    return [(obligation, LadderState.DECIDED.value)] if entry.type is EntryType.QUEUE_RESOLVED else []


def _spoken_of(entry: Entry) -> set[str]:
    """Return what an entry speaks of: its children, the entries whose obligations it makes or moves, a withholding."""
    owing = {entry.id} if entry.obligations else set()
    moved = {obligation.partition("-")[0] for obligation, _ in told_of_obligations(entry)}
    standing = standing_by(entry)
    withheld = {standing.withholding} if standing is not None else set()
    return {*owing, *moved, *withheld, *(subject.ref for subject in entry.subjects)} or {entry.id}


def _lock(name: str) -> int:
    return int.from_bytes(sha256(name.encode("utf-8")).digest()[:8], signed=True)


def _report(position: int, rows: Sequence[Row[tuple[object, ...]]]) -> Report:
    first = rows[0]
    return Report(
        position=position,
        roles=tuple(RoleFact(row.role, AuthorityCode(row.authority)) for row in rows),
        entry=EntryId(first.entry_id) if first.entry_id is not None else None,
        type=first.entry_type,
        permanence=first.permanence or "not_known",
    )


class IntakeTransaction:
    """An ``Intake`` that is committed when its block ends well and undone when it does not."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._beginning = engine.begin()

    async def __aenter__(self) -> Intake:
        return Intake(await self._beginning.__aenter__())

    async def __aexit__(self, *ended: object) -> None:
        await self._beginning.__aexit__(*ended)  # type: ignore[arg-type]


def rungs_below(state: str) -> list[str]:
    """Return the rungs from which one may climb to another."""
    return [rung.value for rung in LadderState if climbs(rung.value, state)]


async def set_state(connection: AsyncConnection, obligation: str, state: str) -> bool:
    """Move a notification up to a rung; False when there is none, or it stands as high or higher and stays."""
    moved = await connection.execute(
        update(notification)
        .where(notification.c.obligation_id == obligation, notification.c.state.in_(rungs_below(state)))
        .values(state=state)
    )
    return moved.rowcount > 0


async def say(connection: AsyncConnection, facts: Iterable[Fact], *, now: datetime) -> None:
    """Keep facts until the ledger has them; one that is kept already is left as it is."""
    for made in facts:
        await connection.execute(
            insert(fact).values(key=made.key, request=made.to_text(), created_at=now).on_conflict_do_nothing()
        )
