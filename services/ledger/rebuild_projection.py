"""Rebuilding a table that is derived from the log: into a shadow beside it, then swapped in one moment."""

import re
from collections.abc import Callable, Mapping, Sequence

import asyncpg

from services.ledger.domain.ladder import steps_of
from shared.entries import Entry, parse_entry
from shared.errors import InvalidInput

PAGE = 1000

Row = Sequence[object]


def _child_entries(entry: Entry) -> list[Row]:
    return [
        (subject.ref, subject.version, entry.position, [f"{fact.role}:{fact.authority}" for fact in subject.roles])
        for subject in entry.subjects
    ]


def _obligations(entry: Entry) -> list[Row]:
    return [(owed.id, entry.position, owed.recipient) for owed in entry.obligations]


def _steps(entry: Entry) -> list[Row]:
    return [(step.obligation, entry.position, step.state, step.owner, entry.time) for step in steps_of(entry)]


PROJECTIONS: Mapping[str, tuple[tuple[str, ...], Callable[[Entry], list[Row]]]] = {
    "child_entry": (("ref", "version", "position", "roles"), _child_entries),
    "obligation": (("obligation_id", "position", "recipient"), _obligations),
    "obligation_step": (("obligation_id", "position", "state", "owner", "recorded_at"), _steps),
}
"""Tables that say nothing which the entries do not say, with their columns and the rows that an entry makes."""


async def rebuild_projection(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> int:
    """Rebuild a projection from the entries and put it in the old one's place. Returns how many rows it has.

    ``connection`` is of the tables' owner. Acceptance goes on while the shadow is filled, and waits only while the
    last entries are caught up and the tables change names: all of it or nothing. Raises InvalidInput for another name,
    and when an entry's bytes are no entry: verify the log first.
    """
    if name not in PROJECTIONS:
        raise InvalidInput("no such projection", remedy="One of: " + ", ".join(PROJECTIONS))
    shadow = f"{name}_shadow"
    await connection.execute(f"DROP TABLE IF EXISTS ledger.{shadow}")
    await connection.execute(f"CREATE TABLE ledger.{shadow} (LIKE ledger.{name} INCLUDING ALL)")
    after = await _fill(connection, name, after=-1)
    async with connection.transaction():
        # The writer's next commit waits for this lock; what it committed before is seen below.
        await connection.execute("LOCK TABLE ledger.entry IN SHARE MODE")
        await connection.execute(f"LOCK TABLE ledger.{name} IN ACCESS EXCLUSIVE MODE")
        await _fill(connection, name, after=after)
        await _swap(connection, name, shadow)
        return int(await connection.fetchval(f"SELECT count(*) FROM ledger.{name}"))  # noqa: S608


async def _fill(connection: "asyncpg.Connection[asyncpg.Record]", name: str, *, after: int) -> int:
    columns, rows_of = PROJECTIONS[name]
    while True:
        page = await connection.fetch(
            "SELECT position, leaf FROM ledger.entry WHERE position > $1 ORDER BY position LIMIT $2", after, PAGE
        )
        rows = [row for stored in page for row in rows_of(parse_entry(stored["leaf"]))]
        await connection.copy_records_to_table(f"{name}_shadow", schema_name="ledger", records=rows, columns=columns)
        if not page:
            return after
        after = page[-1]["position"]


async def _swap(connection: "asyncpg.Connection[asyncpg.Record]", name: str, shadow: str) -> None:
    """Give the shadow everything that the old table had beside its rows: rights, triggers, names of its indexes."""
    rights = await connection.fetch(
        "SELECT grantee, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_schema = 'ledger' AND table_name = $1 AND grantee <> current_user",
        name,
    )
    triggers = await connection.fetch(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal",
        f"ledger.{name}",
    )
    indexes = await _indexes(connection, name)
    comment = await connection.fetchval("SELECT obj_description($1::regclass)", f"ledger.{name}")
    made = {shape: index for index, shape in (await _indexes(connection, shadow)).items()}
    await connection.execute(f"DROP TABLE ledger.{name}")
    await connection.execute(f"ALTER TABLE ledger.{shadow} RENAME TO {name}")
    for index, shape in indexes.items():
        await connection.execute(f'ALTER INDEX ledger."{made[shape]}" RENAME TO "{index}"')
    for right in rights:
        await connection.execute(f'GRANT {right["privilege_type"]} ON ledger.{name} TO "{right["grantee"]}"')
    for trigger in triggers:
        await connection.execute(trigger[0])
    comment = await connection.fetchval("SELECT coalesce(quote_literal($1::text), 'NULL')", comment)
    await connection.execute(f"COMMENT ON TABLE ledger.{name} IS {comment}")


async def _indexes(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> dict[str, str]:
    """Return each index's name with what makes it: uniqueness, columns and condition, without any name."""
    rows = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'ledger' AND tablename = $1", table
    )
    return {row["indexname"]: re.sub(r" INDEX \S+ ON \S+ ", " ", row["indexdef"]) for row in rows}
