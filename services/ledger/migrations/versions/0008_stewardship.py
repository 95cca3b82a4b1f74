"""Find withdrawn proposals and approvers' keys with all else that says what is kept and erased, without the log."""

from shared.process.indexes import build_index, drop_index

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STEWARDSHIP_PREDICATE = (
    "type IN ('approver.key_added', 'approver.key_revoked', 'erasure.approved', 'erasure.proposed', "
    "'erasure.recorded', 'erasure.withdrawn', 'hold.lifted', 'hold.placed', 'retention.approved', "
    "'retention.proposed', 'retention.withdrawn')"
)


def upgrade() -> None:
    """Build an index for more types, then drop the one for fewer: it answers what the earlier release asks too."""
    build_index("entry_kept_or_erased", "entry", ["position"], schema="ledger", where=STEWARDSHIP_PREDICATE)
    drop_index("entry_stewardship", "entry", schema="ledger")
