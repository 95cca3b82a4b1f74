"""Gathering who must be told: one obligation for each recipient, with every reason and the earliest deadline."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.clock import rfc3339
from shared.entries import Obligation
from shared.identifiers import AuthorityCode, EntryId, Recipient, obligation_id
from shared.reference.working_days import Deadline, due_after_hours, due_after_working_days
from shared.vocabulary import Level, Urgency

CLOCK_START = "recorded"
"""A deadline starts when the exchange records the decision, unless the law names another event."""

URGENCY_OF: dict[Level, Urgency] = {
    Level.EARLY_HELP: Urgency.ROUTINE,
    Level.CHILD_IN_NEED: Urgency.ONE_WORKING_DAY,
    Level.SIGNIFICANT_HARM: Urgency.SAME_DAY,
    Level.IMMEDIATE_DANGER: Urgency.IMMEDIATE,
}

MOST_URGENT_FIRST = (Urgency.IMMEDIATE, Urgency.SAME_DAY, Urgency.ONE_WORKING_DAY, Urgency.ROUTINE)

ROUTING_QUEUE = Recipient("queue:routing")
POLICE_QUEUE = Recipient("queue:police")
HOUSING_QUEUE = Recipient("queue:housing-notices")
IDENTITY_QUEUE = Recipient("queue:identity")
ESCALATION_QUEUE = Recipient("queue:escalation")
SECOND_DECISION_QUEUE = Recipient("queue:second-decision-maker")


@dataclass(slots=True)
class _Owed:
    reasons: list[str]
    urgency: Urgency
    deadline: Deadline
    clock_start: str


@dataclass(slots=True)
class ObligationBook:
    """Collects what is owed to whom because of one decision."""

    now: datetime
    _owed: dict[Recipient, _Owed] = field(default_factory=dict)

    def owe(
        self,
        recipient: Recipient,
        *,
        reason: str,
        urgency: Urgency,
        deadline: Deadline,
        clock_start: str = CLOCK_START,
    ) -> None:
        """Add a reason to tell a recipient; the more urgent and the earlier wins."""
        owed = self._owed.get(recipient)
        if owed is None:
            self._owed[recipient] = _Owed([reason], urgency, deadline, clock_start)
            return
        if reason not in owed.reasons:
            owed.reasons.append(reason)
        owed.urgency = more_urgent(owed.urgency, urgency)
        if deadline.due_at < owed.deadline.due_at:
            owed.deadline, owed.clock_start = deadline, clock_start

    def owes(self, recipient: Recipient) -> bool:
        """Return whether a recipient is told already."""
        return recipient in self._owed

    @property
    def told_authorities(self) -> tuple[AuthorityCode, ...]:
        """The authorities that are told."""
        return tuple(
            AuthorityCode(recipient.removeprefix("authority:"))
            for recipient in self._owed
            if recipient.startswith("authority:")
        )

    def obligations(self, entry: EntryId) -> tuple[Obligation, ...]:
        """Return the obligations of an entry, the most urgent first."""
        ordered = sorted(
            self._owed.items(), key=lambda each: (MOST_URGENT_FIRST.index(each[1].urgency), each[1].deadline.due_at)
        )
        return tuple(
            Obligation(
                id=obligation_id(entry, ordinal=ordinal),
                recipient=recipient,
                reasons=tuple(owed.reasons),
                urgency=owed.urgency.value,
                due_at=rfc3339(owed.deadline.due_at),
                calendar=owed.deadline.calendar,
                clock_start=owed.clock_start,
            )
            for ordinal, (recipient, owed) in enumerate(ordered)
        )


def more_urgent(one: Urgency, other: Urgency) -> Urgency:
    """Return the more urgent of two."""
    return min(one, other, key=MOST_URGENT_FIRST.index)


def deadline_for(urgency: Urgency, *, now: datetime, nation: str) -> Deadline:
    """Return by when a recipient must act.

    Immediate: one clock hour. Same day and one working day: children's social care decides within one working day of
    receipt (Working Together to Safeguard Children), on the calendar of the recipient's nation. Routine: five working
    days.
    """
    match urgency:
        case Urgency.IMMEDIATE:
            return due_after_hours(now, hours=1)
        case Urgency.ROUTINE:
            return due_after_working_days(now, days=5, nation=nation)
        case _:
            return due_after_working_days(now, days=1, nation=nation)
