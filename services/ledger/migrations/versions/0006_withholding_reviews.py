"""Find overdue reviews of withholdings, and reviews of withholdings about no child, without reading the log."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FOLLOWING_PREDICATE = (
    "type IN ('consent.withdrawn', 'notification.overdue', 'queue.resolved', 'record.corrected', 'record.disputed', "
    "'record.retracted', 'withholding.review_overdue', 'withholding.reviewed')"
)
REVIEW_OVERDUE_PREDICATE = "type = 'withholding.review_overdue'"


def upgrade() -> None:
    """Make one index anew for more types, and another."""
    op.drop_index("entry_following", "entry", schema="ledger")
    op.create_index(
        "entry_following", "entry", ["position"], schema="ledger", postgresql_where=sa.text(FOLLOWING_PREDICATE)
    )
    op.create_index(
        "entry_review_overdue",
        "entry",
        ["position"],
        schema="ledger",
        postgresql_where=sa.text(REVIEW_OVERDUE_PREDICATE),
    )
