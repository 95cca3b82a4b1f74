"""Find the openings of whole ranges of entries without reading the log: there are few, one for each audit."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "entry_audit_opened", "entry", ["position"], schema="ledger", postgresql_where=sa.text("type = 'audit.opened'")
    )
