"""What is needed to take entries in in any order: which entry told of a role, and states that come before the owing."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOTIFIER = "exchange_notifier"


def upgrade() -> None:
    """Add both. Roles that are known already name no entry: they count as earlier, and show no move anew."""
    for column in ("entry_id", "entry_type", "permanence"):
        op.add_column("child_role", sa.Column(column, sa.Text, nullable=True), schema="notifier")
    op.create_table(
        "early_state",
        sa.Column("obligation_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        schema="notifier",
        comment="How far obligations have come whose entry is still to be taken in",
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON notifier.early_state TO {NOTIFIER}")
