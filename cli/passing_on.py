"""Passing a queue item on to the authority that a person found for it."""

from datetime import datetime

from shared.entries import Obligation
from shared.identifiers import AuthorityCode, EntryId, authority_recipient
from shared.telling import deadline_for, owed
from shared.vocabulary import PASSED_ON_BY_A_PERSON, PLACED_BY_A_PERSON, Urgency

ASKS_NOTHING_OF_A_PLACE = frozenset({"recipient_not_known", "level_needs_a_person"})
"""Why an item may stand in a queue though every place of the record has its authority, which is told."""


def passed_on(
    asked: tuple[str, ...], authority: AuthorityCode, *, entry_id: EntryId, nation: str, now: datetime
) -> Obligation:
    """Return what an entry owes an authority to which a person passes an item on; ``asked`` is why the item stood.

    Where the question may have been whose area the child is in, the authority must find the child: it is shown where
    the child is, though that be protected.
    """
    asks_for_a_place = not set(asked) <= ASKS_NOTHING_OF_A_PLACE
    return owed(
        entry_id,
        authority_recipient(authority),
        reasons=(PLACED_BY_A_PERSON if asks_for_a_place else PASSED_ON_BY_A_PERSON,),
        urgency=Urgency.SAME_DAY,
        deadline=deadline_for(Urgency.SAME_DAY, now=now, nation=nation),
        clock_start="placed",
    )
