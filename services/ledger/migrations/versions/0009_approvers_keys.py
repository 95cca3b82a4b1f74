"""Find approvers' keys with all else that is held, proposed, approved and erased, without reading the log."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STEWARDSHIP_PREDICATE = (
    "type IN ('approver.key_added', 'approver.key_revoked', 'erasure.approved', 'erasure.proposed', "
    "'erasure.recorded', 'erasure.withdrawn', 'hold.lifted', 'hold.placed', 'retention.approved', "
    "'retention.proposed', 'retention.withdrawn')"
)


def upgrade() -> None:
    """Make the index anew for more types."""
    op.drop_index("entry_stewardship", "entry", schema="ledger")
    op.create_index(
        "entry_stewardship", "entry", ["position"], schema="ledger", postgresql_where=sa.text(STEWARDSHIP_PREDICATE)
    )
