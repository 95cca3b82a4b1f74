"""Whose turn it is by urgency, what is under way, which facts wait, and indexes over what is open alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = "state IN ('owed', 'delivered')"
NEVER_OVERDUE = "('notification.decided', 'notification.overdue', 'notification.owned', 'notification.received')"
WITHHOLDINGS = "('withholding.recorded', 'withholding.reopened', 'withholding.review_overdue', 'withholding.reviewed')"


def upgrade() -> None:
    """Add the columns and indexes. What is under way is as urgent as the time that was given for it."""
    _say_how_urgent()
    op.add_column(
        "notification", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True), schema="notifier"
    )
    _index_what_is_open()
    _let_facts_wait()


def _say_how_urgent() -> None:
    op.add_column(
        "notification",
        sa.Column("urgency", sa.Text, nullable=False, server_default=sa.text("'immediate'")),
        schema="notifier",
    )
    op.execute(
        "UPDATE notifier.notification SET urgency = CASE"
        " WHEN due_at > created_at + interval '24 hours' THEN 'routine'"
        " WHEN due_at > created_at + interval '4 hours' THEN 'one_working_day'"
        " ELSE 'same_day' END"
        " WHERE state IN ('owed', 'delivered') AND due_at > created_at + interval '1 hour'"
    )


def _index_what_is_open() -> None:
    op.drop_index("notification_due", "notification", schema="notifier")
    op.drop_index("notification_order", "notification", schema="notifier")
    op.drop_index("notification_answer_due", "notification", schema="notifier")
    op.create_index(
        "notification_turn",
        "notification",
        ["recipient", "next_attempt_at"],
        schema="notifier",
        postgresql_where=sa.text(OPEN),
    )
    op.create_index(
        "notification_order",
        "notification",
        ["recipient", sa.text("COALESCE(child, '')"), "position"],
        schema="notifier",
        postgresql_where=sa.text(f"{OPEN} AND NOT queued"),
    )
    op.create_index(
        "notification_overdue",
        "notification",
        ["due_at"],
        schema="notifier",
        postgresql_where=sa.text(
            f"NOT overdue AND entry_type NOT IN {NEVER_OVERDUE} AND (state NOT IN ('owned', 'decided')"
            f" OR state <> 'decided' AND entry_type IN {WITHHOLDINGS})"
        ),
    )
    op.create_index(
        "notification_unanswered",
        "notification",
        ["answer_due_at"],
        schema="notifier",
        postgresql_where=sa.text("answer_due_at IS NOT NULL AND state NOT IN ('owned', 'decided')"),
    )


def _let_facts_wait() -> None:
    op.add_column(
        "fact", sa.Column("tries", sa.Integer, nullable=False, server_default=sa.text("0")), schema="notifier"
    )
    op.add_column("fact", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True), schema="notifier")
    op.add_column("fact", sa.Column("refused", sa.Text, nullable=True), schema="notifier")
