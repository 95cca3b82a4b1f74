"""Find a child's identifiers by where they were recorded."""

from shared.process.indexes import build_index

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the index."""
    build_index("child_identifier_position", "child_identifier", ["position"], schema="ledger")
