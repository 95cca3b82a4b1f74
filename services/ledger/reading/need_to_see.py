"""Which roles need to see which protected part of a record, and what of a record is left for everybody else.

Who must find the child sees where it is; nobody else does. That a child moved, and into which area, is no secret.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from services.ledger.reading.part_in_case import RESPONSIBLE
from shared.entries import Obligation
from shared.protection import Protection, Without, protections_in
from shared.vocabulary import PLACED_BY_A_PERSON, AuthorityRole

_FINDS_THE_CHILD = frozenset(
    {
        AuthorityRole.LIVING_AT.value,
        AuthorityRole.PLACED_IN.value,
        AuthorityRole.LOOKED_AFTER_BY.value,
        # A person found that the child is in its area, where no rule could.
        PLACED_BY_A_PERSON,
    }
)
_NEEDS: Mapping[Protection, frozenset[str]] = {
    # Whoever must enquire about the child (Children Act 1989 s.47), or holds its plan, has to reach it in a refuge.
    Protection.REFUGE: _FINDS_THE_CHILD
    | {AuthorityRole.FOUND_AT.value, AuthorityRole.PLAN_HELD_BY.value, AuthorityRole.DETAINED_IN.value, RESPONSIBLE},
    Protection.PLACEMENT: _FINDS_THE_CHILD
    | {AuthorityRole.PLAN_HELD_BY.value, AuthorityRole.COURT_DESIGNATED.value, RESPONSIBLE},
    # An authority of the birth family's area, even one that was responsible, has no need to find an adopted child.
    Protection.ADOPTION: _FINDS_THE_CHILD,
    Protection.UNKNOWN: _FINDS_THE_CHILD,
}
_POLICE_NEED: Mapping[str, frozenset[Protection]] = {
    "immediate_danger": frozenset(Protection),
    "possible_crime": frozenset({Protection.REFUGE, Protection.PLACEMENT}),
}


def needs_of_roles(roles: Iterable[str]) -> frozenset[Protection]:
    """Return which protected parts an authority in those roles to the child needs to see."""
    held = frozenset(roles)
    return frozenset(kind for kind, needed_by in _NEEDS.items() if held & needed_by)


def needs_of_told(owed: Iterable[Obligation], *, about_a_child: bool) -> frozenset[Protection]:
    """Return which protected parts somebody needs to see of a record because of why it was told.

    Police sent to a child in danger must find it. Of a child an authority needs what its role to the child needs, and
    no more. Of a place and no child there are no roles: whoever is told must go there or find out who must, whatever
    the reason it was told for, and can do neither without the place.
    """
    found: frozenset[Protection] = frozenset()
    for each in owed:
        if not about_a_child and each.recipient.startswith(("authority:", "police:")):
            return frozenset(Protection)
        if each.recipient.startswith("police:"):
            found |= frozenset().union(*(_POLICE_NEED.get(reason, frozenset()) for reason in each.reasons))
    return found


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of a record: all of it (``whole``: it is their own), or all but what they do not need.

    ``assumed`` are the ways in which the child is known to be protected.
    """

    needs: frozenset[Protection]
    assumed: frozenset[Protection]
    whole: bool = False

    def of(self, content: bytes) -> bytes:
        """Return the record as it may be shown: the very bytes when nothing of it is hidden.

        What cannot be read again here is hidden altogether, except from who may see everything.
        """
        if self.whole or self.needs == frozenset(Protection):
            return content
        try:
            record = orjson.loads(content)
        except orjson.JSONDecodeError:
            return orjson.dumps({"protected": Protection.UNKNOWN.value, "shown": False})
        without = Without(self.assumed | protections_in(record), hides=lambda kind: kind not in self.needs)
        shown = without.of(record)
        return content if shown == record else orjson.dumps(shown)
