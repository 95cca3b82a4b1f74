"""Finding children in Postgres by the keyed hashes of what names them."""

from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from services.ledger.domain.plan import IdentifierToken
from shared.entries import RoleFact
from shared.entry_types import RECORD_TYPES, WITHHOLDING_TYPES
from shared.errors import Unavailable
from shared.identifiers import AuthorityCode, ChildRef
from shared.ledger.messages import ResolvedChild

# Identifying hashes and the others stand in an index each: asked for together, neither could serve. With EXISTS instead
# of a limit, all entries about children would be read once to look each up in.
_POINTED_AT = """
SELECT token, ref, identifying, position,
       (SELECT true FROM ledger.child_entry c JOIN ledger.entry e ON e.position = c.position
         WHERE c.ref = pointed_at.ref AND e.type = ANY($2::text[]) LIMIT 1) AS told
  FROM (SELECT token, ref, identifying, position FROM ledger.child_identifier
         WHERE identifying AND token = ANY($1::bytea[])
        UNION ALL
        SELECT token, ref, identifying, position FROM ledger.child_identifier
         WHERE NOT identifying AND token = ANY($1::bytea[])) AS pointed_at
"""
_TOLD = sorted(RECORD_TYPES - WITHHOLDING_TYPES)

_CHILDREN = "SELECT ref, version, roles FROM ledger.child_entry WHERE ref = ANY($1::text[]) ORDER BY ref, version"


class PostgresChildren:
    """Finds children, however many are asked for at once, in two round trips at most."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def resolve(self, named: Sequence[Sequence[IdentifierToken]]) -> list[ResolvedChild]:
        """Return for each the child whom its identifying tokens name; whoever else is pointed at is *similar*.

        Two identified children are two children: the one known longer is meant, the other is for a person to see.
        Being like a child of whom nothing was told, only withheld, would tell of it: such a one is pointed at for
        nobody.
        Raises Unavailable when the database does not answer.
        """
        tokens = list({each.token for tokens in named for each in tokens})
        pointed_at: defaultdict[bytes, list[asyncpg.Record]] = defaultdict(list)
        for row in await self._fetch(_POINTED_AT, tokens, _TOLD) if tokens else ():
            pointed_at[row["token"]].append(row)
        candidates = [_candidates(tokens, pointed_at) for tokens in named]
        refs = list({ref for ref, _ in candidates if ref is not None})
        histories: defaultdict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in await self._fetch(_CHILDREN, refs) if refs else ():
            histories[row["ref"]].append(row)
        return [
            ResolvedChild(None, 0, (), similar) if ref is None else _known(ref, histories[ref], similar)
            for ref, similar in candidates
        ]

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        try:
            return await self._pool.fetch(query, *arguments)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable("the ledger's database does not answer") from error


def _candidates(
    tokens: Sequence[IdentifierToken], pointed_at: defaultdict[bytes, list[asyncpg.Record]]
) -> tuple[ChildRef | None, tuple[ChildRef, ...]]:
    """Return the child that is meant, and all others that are pointed at, those known longer first."""
    since: dict[ChildRef, int] = {}
    identified: set[ChildRef] = set()
    told: set[ChildRef] = set()
    for each in tokens:
        for row in pointed_at[each.token]:
            ref = ChildRef(row["ref"])
            since[ref] = min(row["position"], since.get(ref, row["position"]))
            if each.identifying and row["identifying"]:
                identified.add(ref)
            if row["told"]:
                told.add(ref)
    known_longest = sorted(identified | told, key=lambda ref: since[ref])
    meant = next((ref for ref in known_longest if ref in identified), None)
    return meant, tuple(ref for ref in known_longest if ref != meant)


def _known(ref: ChildRef, history: Sequence[asyncpg.Record], similar: tuple[ChildRef, ...]) -> ResolvedChild:
    latest: dict[str, str] = {}
    for row in history:
        latest.update(fact.split(":", 1) for fact in row["roles"])
    roles = tuple(RoleFact(role, AuthorityCode(authority)) for role, authority in sorted(latest.items()))
    return ResolvedChild(ref, history[-1]["version"] if history else 0, roles, similar)
