"""Facts about withholdings that go to the ledger: a review is overdue, or a later concern opens one again."""

from collections.abc import Callable
from datetime import datetime

from services.notifier.domain.withholdings import StandingWithholding
from services.notifier.facts import SCOPE, Fact
from shared.identifiers import AgencyId, EntryId, Recipient, agency_recipient
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild
from shared.reference.working_days import Deadline
from shared.telling import SECOND_DECISION_QUEUE, deadline_for, on_the_same_day, owed
from shared.vocabulary import EntryType, Urgency


class WithholdingFacts:
    """Makes them. Each is said once, however often it is made: its key names the withholding and the occasion."""

    def __init__(self, *, new_entry_id: Callable[[], EntryId], nation_of: Callable[[AgencyId], str]) -> None:
        self._new_entry_id = new_entry_id
        self._nation_of = nation_of

    def review_overdue(self, overdue: StandingWithholding, *, now: datetime) -> Fact:
        """Return the fact that the day of review has passed: the agency's safeguarding lead has one working day."""
        due_on = overdue.review_due_on.isoformat()
        return self._fact(
            EntryType.WITHHOLDING_REVIEW_OVERDUE,
            overdue,
            occasion=due_on,
            facts={"review_due_on": due_on},
            causes=(overdue.withholding,),
            recipients=(agency_recipient(overdue.agency),),
            reason="review_overdue",
            urgency=Urgency.ONE_WORKING_DAY,
            deadline=deadline_for(Urgency.ONE_WORKING_DAY, now=now, nation=self._nation_of(overdue.agency)),
        )

    def reopened(self, withheld: StandingWithholding, because_of: EntryId, *, now: datetime) -> Fact:
        """Return the fact that a later concern opens a withholding again: for the lead and a second person, today.

        It says that there is such a concern, and nothing of whose it is or what it says.
        """
        return self._fact(
            EntryType.WITHHOLDING_REOPENED,
            withheld,
            occasion=because_of,
            facts={"because": "harm_told_of_since"},
            causes=(withheld.withholding, because_of),
            recipients=(agency_recipient(withheld.agency), SECOND_DECISION_QUEUE),
            reason="withholding_reopened",
            urgency=Urgency.SAME_DAY,
            deadline=on_the_same_day(now),
        )

    def _fact(
        self,
        entry_type: EntryType,
        withheld: StandingWithholding,
        *,
        occasion: str,
        facts: dict[str, object],
        causes: tuple[EntryId, ...],
        recipients: tuple[Recipient, ...],
        reason: str,
        urgency: Urgency,
        deadline: Deadline,
    ) -> Fact:
        entry_id = self._new_entry_id()
        key = f"{entry_type}:{withheld.withholding}:{occasion}"
        return Fact(
            key,
            AppendRequest(
                entry_id=entry_id,
                type=entry_type,
                idempotency=Idempotency(SCOPE, key, key.encode("ascii")),
                answer=Answer(201, {}),
                child=NamedChild(withheld.child, None) if withheld.child is not None else None,
                facts=facts,
                obligations=tuple(
                    owed(entry_id, recipient, reasons=(reason,), urgency=urgency, deadline=deadline, ordinal=ordinal)
                    for ordinal, recipient in enumerate(recipients)
                ),
                causes=causes,
            ),
        )
