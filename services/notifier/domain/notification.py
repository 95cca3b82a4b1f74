"""A notification: one obligation on its way, its turn among others, and when to try again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.identifiers import AgencyId, ChildRef, EntryId, ObligationId, Position, Recipient
from shared.vocabulary import LADDER

OVERTAKE_AFTER_S = 60.0
"""How long a later notification waits for an earlier one that has failed, before it goes out marked as overtaking."""

OVERTAKE_LESS_URGENT_AFTER_S = 5.0
"""How long it waits for an earlier one that is less urgent: what comes together goes out in order where it can."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One obligation as it is carried out. ``attempts`` counts those begun; ``came_by`` is the road it arrived on.

    ``agency`` is whose entry owes it, and ``answer_due_at`` when that agency is to hear that nobody has taken it
    up; None once it has been told, or if it never waits for that.
    """

    obligation: ObligationId
    entry: EntryId
    entry_type: str
    position: Position
    child: ChildRef | None
    recipient: Recipient
    state: str
    due_at: datetime
    created_at: datetime
    next_attempt_at: datetime
    attempts: int
    came_by: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    queued: bool = False
    agency: AgencyId | None = None
    answer_due_at: datetime | None = None


def climbs(current: str, reached: str) -> bool:
    """Return whether a state is above the current one on the ladder."""
    rungs = [rung.value for rung in LADDER]
    return reached in rungs and rungs.index(reached) > rungs.index(current)


def next_attempt_at(now: datetime, *, attempts: int, first_s: float, most_s: float, jitter: float) -> datetime:
    """Return when to try again after ``attempts`` attempts: doubling, at most ``most_s``, for ever.

    ``jitter`` is from 0 to 1 and takes up to a quarter off, so that many do not come back at once.
    """
    wait_s = min(first_s * 2.0 ** min(attempts - 1, 30), most_s)
    return now + timedelta(seconds=wait_s * (1 - jitter / 4))
