"""The ladder that an obligation climbs, derived from the entries that say so."""

from dataclasses import dataclass

from shared.entries import Entry
from shared.entry_types import SETTLING_TYPES
from shared.identifiers import ObligationId
from shared.vocabulary import LADDER, EntryType, LadderState

QUEUED = "queued"
"""Not a rung: no channel could carry the obligation, so that it stands in a human queue as well."""

ASSIGNED = "assigned"
"""Not a rung: a person became the owner of the queue item."""

_STEPS = {
    EntryType.NOTIFICATION_DELIVERED: LadderState.DELIVERED.value,
    EntryType.NOTIFICATION_RECEIVED: LadderState.RECEIVED.value,
    EntryType.NOTIFICATION_OWNED: LadderState.OWNED.value,
    EntryType.NOTIFICATION_DECIDED: LadderState.DECIDED.value,
    EntryType.NOTIFICATION_QUEUED: QUEUED,
    EntryType.QUEUE_ASSIGNED: ASSIGNED,
    EntryType.QUEUE_RESOLVED: LadderState.DECIDED.value,
}

SETTLED = (LadderState.RECEIVED.value, LadderState.OWNED.value, LadderState.DECIDED.value)
"""From these rungs on an obligation is no longer owed (G5)."""


@dataclass(frozen=True, slots=True)
class Step:
    """That an entry moved an obligation. ``owner`` is the account of who took a queue item."""

    obligation: ObligationId
    state: str
    owner: str | None = None


def steps_of(entry: Entry) -> tuple[Step, ...]:
    """Return the steps that an entry makes on obligations' ladders: on one that it is about, or on all it settles."""
    if entry.type in SETTLING_TYPES:
        settled = entry.facts.get("settles")
        names = dict.fromkeys(settled) if isinstance(settled, list) else {}
        return tuple(Step(ObligationId(name), LadderState.DECIDED.value) for name in names if isinstance(name, str))
    state = _STEPS.get(entry.type)
    obligation = entry.facts.get("obligation")
    if state is None or not isinstance(obligation, str):
        return ()
    owner = entry.facts.get("owner")
    return (Step(ObligationId(obligation), state, owner if isinstance(owner, str) else None),)


def highest(states: set[str]) -> LadderState:
    """Return the highest rung among the states reached; OWED when there is none."""
    return next((rung for rung in reversed(LADDER) if rung in states), LadderState.OWED)
