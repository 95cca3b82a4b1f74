"""Detecting that a child now is in another authority's area. Suspects and tells; moves no responsibility (G14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.entries import RoleFact
from shared.identifiers import AuthorityCode, EntryId
from shared.vocabulary import AuthorityRole, EntryType

RULE = "move/1"

_SHOWS_A_MOVE = (AuthorityRole.LIVING_AT.value, AuthorityRole.EDUCATION.value)
"""Roles whose change of area shows a move: a new home, or a new school or nursery even when nobody else says so."""

_MUST_KNOW = (AuthorityRole.PLAN_HELD_BY.value, AuthorityRole.LOOKED_AFTER_BY.value)

_TELLS_OF_PLACES = frozenset({EntryType.SHARE_RECORDED, EntryType.WHEREABOUTS_REPORTED})
"""What is withheld shows nobody a move: the move would be told with the record behind it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one entry of the ledger says of a child's authorities.

    ``entry`` and ``type`` are None for what was learnt before they were kept: it counts as earlier, and shows nothing.
    """

    position: int
    roles: tuple[RoleFact, ...]
    entry: EntryId | None = None
    type: str | None = None
    permanence: str = "not_known"


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


def moves_shown(
    reports: Sequence[Report], *, since: int, now_named: Mapping[str, AuthorityCode]
) -> list[tuple[Report, Move]]:
    """Return the moves that one child's reports from a position on show, each held against all that are before it.

    ``reports`` are all that are known of the child, the one at ``since`` among them. It may have come after later ones:
    these are looked at again, since it may say from where the child came to them, or who else must know. Whatever the
    order in which reports come, every move is shown that they show in the ledger's order.
    """
    shown: list[tuple[Report, Move]] = []
    latest: dict[str, AuthorityCode] = {}
    for report in sorted(reports, key=lambda each: each.position):
        if report.position >= since:
            move = _detect_move(report, latest=latest, now_named=now_named)
            if move is not None:
                shown.append((report, move))
        latest |= {fact.role: fact.authority for fact in sorted(report.roles, key=lambda fact: fact.authority)}
    return shown


def _detect_move(
    report: Report, *, latest: Mapping[str, AuthorityCode], now_named: Mapping[str, AuthorityCode]
) -> Move | None:
    """Return the move that a report shows, or None.

    ``latest`` is the authority that was last named in each role before it; ``now_named`` takes an authority's code to
    the one in force today, so that a recoded or abolished authority is not a move. The first place known is no move,
    nor is the same area again; a child's temporary stay is one, and is told as such.
    """
    if report.entry is None or report.type not in _TELLS_OF_PLACES:
        return None
    for fact in sorted((fact for fact in report.roles if fact.role in _SHOWS_A_MOVE), key=_home_first):
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
        return Move(from_authorities, to_authority, fact.role, report.permanence, also_told)
    return None


def _home_first(fact: RoleFact) -> tuple[int, str]:
    return _SHOWS_A_MOVE.index(fact.role), fact.authority
