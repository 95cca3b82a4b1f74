"""Whose turn it is by urgency, what is under way, and which facts wait."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, each with what it is at first, so that no row is written for it."""
    op.add_column(
        "notification",
        sa.Column("urgency", sa.Text, nullable=False, server_default=sa.text("'immediate'")),
        schema="notifier",
    )
    op.add_column(
        "notification", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True), schema="notifier"
    )
    op.add_column(
        "fact", sa.Column("tries", sa.Integer, nullable=False, server_default=sa.text("0")), schema="notifier"
    )
    op.add_column("fact", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True), schema="notifier")
    op.add_column("fact", sa.Column("refused", sa.Text, nullable=True), schema="notifier")
