"""Find what may follow from a record about no child without reading the log: amendments, and what people passed on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FOLLOWING_PREDICATE = (
    "type IN ('consent.withdrawn', 'notification.overdue', 'queue.resolved', 'record.corrected', 'record.disputed', "
    "'record.retracted')"
)


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "entry_following", "entry", ["position"], schema="ledger", postgresql_where=sa.text(FOLLOWING_PREDICATE)
    )
