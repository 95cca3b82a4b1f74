"""Indexes that a migration builds and drops while others read and write the table: nobody waits for it.

It waits for them instead: for whatever began before it, such as an export of the log, for as long as that lasts. Each
may be repeated after it was broken off at any moment, and each commits what the migration did before it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def build_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], *, schema: str, where: str | None = None
) -> None:
    """Build an index under a name that no earlier one has. What a run that was broken off left of it is built anew."""
    with op.get_context().autocommit_block():
        _wait_for_others()
        if _is_half_built(name, schema=schema):
            _drop(name, table, schema=schema)
        op.create_index(
            name,
            table,
            columns,
            schema=schema,
            postgresql_where=sa.text(where) if where is not None else None,
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        _wait_no_longer()


def drop_index(name: str, table: str, *, schema: str) -> None:
    """Drop an index that something else has replaced, if it is there."""
    with op.get_context().autocommit_block():
        _wait_for_others()
        _drop(name, table, schema=schema)
        _wait_no_longer()


def _drop(name: str, table: str, *, schema: str) -> None:
    op.drop_index(name, table, schema=schema, postgresql_concurrently=True, if_exists=True)


def _is_half_built(name: str, *, schema: str) -> bool:
    valid = op.get_bind().scalar(
        sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": f"{schema}.{name}"}
    )
    return valid is False


def _wait_for_others() -> None:
    # The session's limit is for locks that others queue behind. Nobody queues behind these.
    op.execute("SET lock_timeout = 0")


def _wait_no_longer() -> None:
    op.execute("RESET lock_timeout")
