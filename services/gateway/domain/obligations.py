"""Gathering who must be told: one obligation for each recipient, with every reason and the earliest deadline."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.entries import Obligation
from shared.identifiers import AuthorityCode, EntryId, Recipient
from shared.reference.working_days import Deadline
from shared.telling import CLOCK_START, owed
from shared.vocabulary import Level, Urgency

URGENCY_OF: dict[Level, Urgency] = {
    Level.EARLY_HELP: Urgency.ROUTINE,
    Level.CHILD_IN_NEED: Urgency.ONE_WORKING_DAY,
    Level.SIGNIFICANT_HARM: Urgency.SAME_DAY,
    Level.IMMEDIATE_DANGER: Urgency.IMMEDIATE,
}

MOST_URGENT_FIRST = (Urgency.IMMEDIATE, Urgency.SAME_DAY, Urgency.ONE_WORKING_DAY, Urgency.ROUTINE)


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
        before = self._owed.get(recipient)
        if before is None:
            self._owed[recipient] = _Owed([reason], urgency, deadline, clock_start)
            return
        if reason not in before.reasons:
            before.reasons.append(reason)
        before.urgency = more_urgent(before.urgency, urgency)
        if deadline.due_at < before.deadline.due_at:
            before.deadline, before.clock_start = deadline, clock_start

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
            owed(
                entry,
                recipient,
                reasons=each.reasons,
                urgency=each.urgency,
                deadline=each.deadline,
                ordinal=ordinal,
                clock_start=each.clock_start,
            )
            for ordinal, (recipient, each) in enumerate(ordered)
        )


def more_urgent(one: Urgency, other: Urgency) -> Urgency:
    """Return the more urgent of two."""
    return min(one, other, key=MOST_URGENT_FIRST.index)
