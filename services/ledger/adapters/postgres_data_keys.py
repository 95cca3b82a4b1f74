"""The stored data keys as the role that wraps them anew sees them: it reads and rewrites wrapped forms, and no more."""

from collections.abc import Mapping

import asyncpg

from services.ledger.domain.sealing import WrappedKey
from shared.errors import Unavailable

_OTHERS = """
SELECT key_id, kek_id, wrapped FROM ledger.data_key WHERE key_id > $2 AND kek_id <> $1 ORDER BY key_id LIMIT $3
"""

# Where the row was erased or wrapped anew by another since it was read, it is left as it is.
_REPLACE = """
UPDATE ledger.data_key AS stored SET kek_id = anew.kek_id, wrapped = anew.wrapped
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) AS anew (key_id, was, kek_id, wrapped)
 WHERE stored.key_id = anew.key_id AND stored.kek_id = anew.was
RETURNING stored.key_id
"""


class PostgresDataKeys:
    """Reads and rewrites over a pool of the role ``exchange_ledger_rewrapper``."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def wrapped_under_others(self, kek_id: str, *, after: str, limit: int) -> Mapping[str, WrappedKey]:
        """Return data keys that are wrapped under another key than ``kek_id``, by id, in order, after an id."""
        rows = await self._fetch(_OTHERS, kek_id, after, limit)
        return {row["key_id"]: WrappedKey(row["kek_id"], row["wrapped"]) for row in rows}

    async def replace(self, old: Mapping[str, WrappedKey], new: Mapping[str, WrappedKey]) -> int:
        """Store the new wrapped forms where the old ones still stand, all or none; return how many that were."""
        ids = list(new)
        replaced = await self._fetch(
            _REPLACE,
            ids,
            [old[key_id].kek_id for key_id in ids],
            [new[key_id].kek_id for key_id in ids],
            [new[key_id].content for key_id in ids],
        )
        return len(replaced)

    async def count_by_key(self) -> Mapping[str, int]:
        """Return how many data keys are wrapped under each key-encryption key."""
        rows = await self._fetch("SELECT kek_id, count(*) AS number FROM ledger.data_key GROUP BY kek_id")
        return {row["kek_id"]: row["number"] for row in rows}

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        try:
            return await self._pool.fetch(query, *arguments)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("the ledger's database does not answer") from error
