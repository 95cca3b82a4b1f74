"""Withholdings in force, and the last concern about each child that could open one again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOTIFIER = "exchange_notifier"


def upgrade() -> None:
    """Make the tables and give the notifier's role the use of them."""
    op.create_table(
        "withholding",
        sa.Column("withholding_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("child", sa.Text, nullable=True),
        sa.Column("agency", sa.Text, nullable=True),
        sa.Column("review_due_on", sa.Date, nullable=True),
        sa.Column("reopens", sa.Boolean, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("chased", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("reopened", sa.Boolean, nullable=False, server_default=sa.text("false")),
        schema="notifier",
        comment="How each withholding stands, by the last entry that says so: its position, and what was made of it",
    )
    op.create_index(
        "withholding_review",
        "withholding",
        ["review_due_on"],
        schema="notifier",
        postgresql_where=sa.text("NOT ended AND NOT chased"),
    )
    op.create_index(
        "withholding_child", "withholding", ["child"], schema="notifier", postgresql_where=sa.text("NOT ended")
    )
    op.create_table(
        "child_harm",
        sa.Column("child", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("entry_id", sa.Text, nullable=False),
        schema="notifier",
        comment="The last entry about each child that tells of harm",
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON notifier.withholding, notifier.child_harm TO {NOTIFIER}")
