"""By when whoever sent a record should have heard that a person took it up."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the moment to notifications. Those that are under way have only their deadline."""
    op.add_column(
        "notification", sa.Column("answer_due_at", sa.DateTime(timezone=True), nullable=True), schema="notifier"
    )
    op.create_index(
        "notification_answer_due",
        "notification",
        ["answer_due_at"],
        schema="notifier",
        postgresql_where=sa.text("answer_due_at IS NOT NULL"),
    )
