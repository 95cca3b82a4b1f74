"""Notifications, attempts, what is known of children's places, and what is to be appended to the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NOTIFIER = "exchange_notifier"


def upgrade() -> None:
    """Make the tables and give the notifier's role the use of them."""
    _make_notification_tables()
    _make_intake_tables()
    op.execute(f"GRANT USAGE ON SCHEMA notifier TO {NOTIFIER}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA notifier TO {NOTIFIER}")
    op.execute(f"GRANT DELETE ON notifier.seen TO {NOTIFIER}")
    op.execute(f"REVOKE ALL ON notifier.alembic_version FROM {NOTIFIER}")


def _make_notification_tables() -> None:
    op.create_table(
        "notification",
        sa.Column("obligation_id", sa.Text, primary_key=True),
        sa.Column("entry_id", sa.Text, nullable=False),
        sa.Column("entry_type", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("child", sa.Text, nullable=True),
        sa.Column("agency", sa.Text, nullable=True),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'owed'")),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("queued", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("overdue", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("came_by", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=True),
        sa.Column("partition", sa.Integer, nullable=True),
        sa.Column("offset", sa.BigInteger, nullable=True),
        schema="notifier",
        comment="Obligations as they are carried out",
    )
    op.create_index(
        "notification_due",
        "notification",
        ["next_attempt_at"],
        schema="notifier",
        postgresql_where=sa.text("state IN ('owed', 'delivered')"),
    )
    op.create_index("notification_order", "notification", ["recipient", "child", "position"], schema="notifier")
    op.create_index("notification_entry", "notification", ["entry_id"], schema="notifier")
    op.create_table(
        "attempt",
        sa.Column("obligation_id", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text, nullable=True),
        sa.Column("status", sa.SmallInteger, nullable=True),
        schema="notifier",
        comment="Every attempt, written down before it is made; no outcome means that it is not known",
    )


def _make_intake_tables() -> None:
    op.create_table(
        "child_role",
        sa.Column("child", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("authority", sa.Text, primary_key=True),
        schema="notifier",
        comment="Which authorities stood in which role to each child, for the detection of moves",
    )
    op.create_table(
        "fact",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=True),
        schema="notifier",
        comment="What is to be appended to the ledger, once; position when it has been",
    )
    op.create_index(
        "fact_open", "fact", ["created_at"], schema="notifier", postgresql_where=sa.text("position IS NULL")
    )
    op.create_table(
        "seen",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        schema="notifier",
        comment="Entries that have been taken in",
    )
    op.create_table(
        "partition_progress",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        schema="notifier",
        comment="The last ledger position seen in each partition, so that loss is noticed",
    )
    op.create_table(
        "intake",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("complete_up_to", sa.BigInteger, nullable=False),
        schema="notifier",
        comment="Every entry up to this position has been taken in",
    )
    op.create_table(
        "unreadable",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema="notifier",
        comment="Records that were no entries of this ledger",
    )
