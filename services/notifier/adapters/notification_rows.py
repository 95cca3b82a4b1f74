"""A notification as it stands in its table."""

from sqlalchemy import Row

from services.notifier.domain.notification import Notification
from shared.identifiers import AgencyId, ChildRef, EntryId, ObligationId, Position, Recipient


def notification_in(row: Row[tuple[object, ...]], *, attempts: int | None = None) -> Notification:
    """Return the notification that a row holds; with so many attempts, if one is just being counted."""
    return Notification(
        obligation=ObligationId(row.obligation_id),
        entry=EntryId(row.entry_id),
        entry_type=row.entry_type,
        position=Position(row.position),
        child=ChildRef(row.child) if row.child is not None else None,
        recipient=Recipient(row.recipient),
        state=row.state,
        due_at=row.due_at,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        attempts=row.attempts if attempts is None else attempts,
        came_by=row.came_by,
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        queued=row.queued,
        agency=AgencyId(row.agency) if row.agency is not None else None,
        answer_due_at=row.answer_due_at,
    )
