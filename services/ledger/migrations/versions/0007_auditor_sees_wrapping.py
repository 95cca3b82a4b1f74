"""Let the auditor see under which key-encryption key each data key is wrapped: its id, and never the wrapped key."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AUDITOR = "exchange_auditor"


def upgrade() -> None:
    """Grant the column."""
    op.execute(f"GRANT SELECT (kek_id) ON ledger.data_key TO {AUDITOR}")
