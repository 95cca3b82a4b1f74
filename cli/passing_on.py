"""Passing a queue item on to the authority that a person found for it."""

from datetime import datetime

from shared.entries import Obligation
from shared.identifiers import AuthorityCode, EntryId, authority_recipient
from shared.telling import deadline_for, owed
from shared.vocabulary import (
    ADDRESS_NOT_PLACED,
    NOBODY_CAN_PLACE_IT,
    PASSED_ON_BY_A_PERSON,
    PLACED_BY_A_PERSON,
    Urgency,
)

ASKS_WHERE_THE_CHILD_IS = frozenset({NOBODY_CAN_PLACE_IT, ADDRESS_NOT_PLACED})
"""Why an item stands in a queue that asks a person in whose area the child is."""


def passed_on(
    asked: tuple[str, ...], authority: AuthorityCode, *, entry_id: EntryId, nation: str, now: datetime
) -> Obligation:
    """Return what an entry owes an authority to which a person passes an item on; ``asked`` is why the item stood.

    Where the question was in whose area the child is, the authority must find the child: it is shown where the child
    is, though that be protected. Whatever else was asked shows nobody a protected place.
    """
    asks_for_a_place = not ASKS_WHERE_THE_CHILD_IS.isdisjoint(asked)
    return owed(
        entry_id,
        authority_recipient(authority),
        reasons=(PLACED_BY_A_PERSON if asks_for_a_place else PASSED_ON_BY_A_PERSON,),
        urgency=Urgency.SAME_DAY,
        deadline=deadline_for(Urgency.SAME_DAY, now=now, nation=nation),
        clock_start="placed",
    )
