"""Detecting that a child now is in another authority's area. Suspects and tells; moves no responsibility (G14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.entries import Entry
from shared.identifiers import AuthorityCode
from shared.vocabulary import AuthorityRole, EntryType

RULE = "move/1"

_SHOWS_A_MOVE = (AuthorityRole.LIVING_AT.value, AuthorityRole.EDUCATION.value)
"""Roles whose change of area shows a move: a new home, or a new school or nursery even when nobody else says so."""

_MUST_KNOW = (AuthorityRole.PLAN_HELD_BY.value, AuthorityRole.LOOKED_AFTER_BY.value)

_TELLS_OF_PLACES = frozenset({EntryType.SHARE_RECORDED, EntryType.WHEREABOUTS_REPORTED})
"""What is withheld shows nobody a move: the move would be told with the record behind it."""


@dataclass(frozen=True, slots=True)
class KnownRole:
    """That an authority stood in a role to the child, as an entry of the ledger said."""

    role: str
    authority: AuthorityCode
    position: int


@dataclass(frozen=True, slots=True)
class Move:
    """A suspected move: from which authorities, to which, shown by which role, and who else must know."""

    from_authorities: tuple[AuthorityCode, ...]
    to_authority: AuthorityCode
    role: str
    permanence: str
    also_told: tuple[AuthorityCode, ...]

    @property
    def told(self) -> tuple[AuthorityCode, ...]:
        """Every authority that is told, the receiving one first."""
        return tuple(dict.fromkeys((self.to_authority, *self.from_authorities, *self.also_told)))


def detect_move(entry: Entry, *, known: Sequence[KnownRole], now_named: Mapping[str, AuthorityCode]) -> Move | None:
    """Return the move that an entry shows, or None.

    ``known`` are the roles of the same child from earlier entries; ``now_named`` takes an authority's code to the one
    in force today, so that a recoded or abolished authority is not a move. The first place known is no move, nor is
    the same area again; a child's temporary stay is one, and is told as such.
    """
    if entry.type not in _TELLS_OF_PLACES or not entry.subjects:
        return None
    earlier = [fact for fact in known if fact.position < entry.position]
    latest = {fact.role: fact.authority for fact in sorted(earlier, key=lambda fact: fact.position)}
    for fact in entry.subjects[0].roles:
        if fact.role not in _SHOWS_A_MOVE:
            continue
        to_authority = now_named.get(fact.authority, fact.authority)
        home = latest.get(AuthorityRole.LIVING_AT.value)
        before = home or latest.get(fact.role) or latest.get(AuthorityRole.FOUND_AT.value)
        if before is None or now_named.get(before, before) == to_authority:
            continue
        if fact.role == AuthorityRole.EDUCATION.value and latest.get(fact.role) is not None:
            # Schooling across a boundary is ordinary: only a change of it shows a move.
            before_school = latest[fact.role]
            if now_named.get(before_school, before_school) == to_authority:
                continue
        from_authorities = (now_named.get(before, before),)
        also_told = tuple(
            now_named.get(latest[role], latest[role])
            for role in _MUST_KNOW
            if role in latest and now_named.get(latest[role], latest[role]) not in (*from_authorities, to_authority)
        )
        permanence = entry.facts.get("permanence")
        return Move(
            from_authorities,
            to_authority,
            fact.role,
            permanence if isinstance(permanence, str) else "not_known",
            also_told,
        )
    return None
