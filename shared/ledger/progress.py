"""Telling whoever recorded something how far it has come: owed by the entry that says so, if they take pushes.

An agency without an endpoint reads it (`GET /v1/shares/{id}`); nothing is put before a person for it.
"""

from datetime import datetime

from shared.clock import parse_rfc3339
from shared.entries import Entry, Obligation
from shared.entry_types import CONTENT_TYPES
from shared.identifiers import AgencyId, EntryId, Recipient, agency_recipient, is_queue
from shared.ledger.registry import Registry
from shared.reference.working_days import due_after_working_days, nation_counted_in
from shared.telling import deadline_for, owed
from shared.vocabulary import EntryType, Urgency

PROGRESS_TYPES = frozenset(
    {EntryType.NOTIFICATION_RECEIVED, EntryType.NOTIFICATION_OWNED, EntryType.NOTIFICATION_DECIDED}
)
"""Entries that say how far a notification has come, and may owe its sender that news."""


def progress_owed(
    entry_id: EntryId,
    state: str,
    *,
    of: EntryType,
    by: AgencyId | None,
    recipient: Recipient,
    registry: Registry,
    now: datetime,
) -> tuple[Obligation, ...]:
    """Return what an entry owes to whoever recorded the thing that a notification told of.

    ``of`` and ``by`` are that record's type and agency, ``recipient`` whom the notification is to. News of news is owed
    to nobody, nor is one's own acknowledgement.
    """
    if of not in CONTENT_TYPES or by is None:
        return ()
    sender = agency_recipient(by)
    agency = registry.agencies.get(by)
    if sender == recipient or agency is None or not registry.endpoints_of(sender):
        return ()
    deadline = deadline_for(Urgency.ONE_WORKING_DAY, now=now, nation=agency.nation)
    reasons = (f"your_record_{state}",)
    return (owed(entry_id, sender, reasons=reasons, urgency=Urgency.ROUTINE, deadline=deadline),)


def answer_due_at(entry: Entry, owed: Obligation) -> datetime | None:
    """Return by when whoever shared a concern should have heard that a person took it up: one working day.

    Source: Working Together to Safeguard Children: within one working day of a referral, children's social care
    acknowledges it to the referrer and decides on the next step. None for what is no share or stands in a queue of the
    exchange's own, and where the deadline itself comes as early: then its passing says it.
    """
    nation = nation_counted_in(owed.calendar)
    if entry.type is not EntryType.SHARE_RECORDED or entry.agency is None or is_queue(owed.recipient) or nation is None:
        return None
    answer = due_after_working_days(parse_rfc3339(entry.time), days=1, nation=nation).due_at
    return answer if answer < parse_rfc3339(owed.due_at) else None
