"""An index over open facts in the order in which they are tried."""

import sqlalchemy as sa

from shared.process.indexes import build_index, drop_index

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put one index in the place of another."""
    columns = [sa.text("COALESCE(not_before, created_at)")]
    build_index("fact_in_turn", "fact", columns, schema="notifier", where="position IS NULL")
    drop_index("fact_open", "fact", schema="notifier")
