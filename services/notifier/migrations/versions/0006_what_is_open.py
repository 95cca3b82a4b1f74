"""How urgent is what is under way, and indexes over what is open alone."""

import sqlalchemy as sa
from alembic import op

from shared.process.indexes import build_index, drop_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPEN = "state IN ('owed', 'delivered')"
NEVER_OVERDUE = "('notification.decided', 'notification.overdue', 'notification.owned', 'notification.received')"
WITHHOLDINGS = "('withholding.recorded', 'withholding.reopened', 'withholding.review_overdue', 'withholding.reviewed')"


def upgrade() -> None:
    """Say it, and change the indexes. What is under way is as urgent as the time that was given for it."""
    op.execute(
        "UPDATE notifier.notification SET urgency = CASE"
        " WHEN due_at > created_at + interval '24 hours' THEN 'routine'"
        " WHEN due_at > created_at + interval '4 hours' THEN 'one_working_day'"
        " ELSE 'same_day' END"
        " WHERE state IN ('owed', 'delivered') AND urgency = 'immediate' AND due_at > created_at + interval '1 hour'"
    )
    _build("notification_turn", ["recipient", "next_attempt_at"], where=OPEN)
    _build(
        "notification_of_child",
        ["recipient", sa.text("COALESCE(child, '')"), "position"],
        where=f"{OPEN} AND NOT queued",
    )
    _build(
        "notification_overdue",
        ["due_at"],
        where=f"NOT overdue AND entry_type NOT IN {NEVER_OVERDUE} AND (state NOT IN ('owned', 'decided')"
        f" OR state <> 'decided' AND entry_type IN {WITHHOLDINGS})",
    )
    _build(
        "notification_unanswered",
        ["answer_due_at"],
        where="answer_due_at IS NOT NULL AND state NOT IN ('owned', 'decided')",
    )
    for replaced in ("notification_due", "notification_order", "notification_answer_due"):
        drop_index(replaced, "notification", schema="notifier")


def _build(name: str, columns: list[str | sa.TextClause], *, where: str) -> None:
    build_index(name, "notification", columns, schema="notifier", where=where)
