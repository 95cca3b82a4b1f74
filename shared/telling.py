"""Owing somebody notice: in which queue a person finds it, by when it must be acted on, and how it is written down.

The gateway, the notifier and the operator each owe notices: they all owe them by these clocks and in this form.
"""

from collections.abc import Sequence
from datetime import datetime

from shared.clock import rfc3339
from shared.entries import Obligation
from shared.identifiers import EntryId, Recipient, obligation_id
from shared.reference.working_days import Deadline, due_after_hours, due_after_working_days
from shared.vocabulary import Urgency

ROUTING_QUEUE = Recipient("queue:routing")
POLICE_QUEUE = Recipient("queue:police")
HOUSING_QUEUE = Recipient("queue:housing-notices")
IDENTITY_QUEUE = Recipient("queue:identity")
ESCALATION_QUEUE = Recipient("queue:escalation")
SECOND_DECISION_QUEUE = Recipient("queue:second-decision-maker")
COMPROMISE_QUEUE = Recipient("queue:compromised-key")

CLOCK_START = "recorded"
"""A deadline starts when the exchange records the decision, unless the law names another event."""

_SAME_DAY_HOURS = 4


def deadline_for(urgency: Urgency, *, now: datetime, nation: str) -> Deadline:
    """Return by when a recipient must act.

    Immediate: one clock hour. Same day and one working day: children's social care decides within one working day of
    receipt (Working Together to Safeguard Children), on the calendar of the recipient's nation. Routine: five working
    days.
    """
    match urgency:
        case Urgency.IMMEDIATE:
            return within_the_hour(now)
        case Urgency.ROUTINE:
            return due_after_working_days(now, days=5, nation=nation)
        case _:
            return due_after_working_days(now, days=1, nation=nation)


def within_the_hour(now: datetime) -> Deadline:
    """Return by when somebody acts on what brooks no delay, whatever day it is."""
    return due_after_hours(now, hours=1)


def on_the_same_day(now: datetime) -> Deadline:
    """Return by when people of an agency or of the exchange act on a withholding the same day, whatever day it is."""
    return due_after_hours(now, hours=_SAME_DAY_HOURS)


def owed(
    entry_id: EntryId,
    recipient: Recipient,
    *,
    reasons: Sequence[str],
    urgency: Urgency,
    deadline: Deadline,
    ordinal: int = 0,
    clock_start: str = CLOCK_START,
) -> Obligation:
    """Return the obligation of an entry to tell a recipient; ``ordinal`` counts the entry's from 0."""
    return Obligation(
        id=obligation_id(entry_id, ordinal=ordinal),
        recipient=recipient,
        reasons=tuple(reasons),
        urgency=urgency.value,
        due_at=rfc3339(deadline.due_at),
        calendar=deadline.calendar,
        clock_start=clock_start,
    )
