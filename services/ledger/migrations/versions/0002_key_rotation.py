"""A role that wraps data keys anew; the registry's index takes in the entries about the ledger's own keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REGISTRY_PREDICATE = (
    "type IN ('agency.key_added', 'agency.key_revoked', 'agency.registered', 'encryption_key.destroyed', "
    "'encryption_key.rotated', 'endpoint.registered', 'endpoint.withdrawn', 'ledger.opened', 'log_key.added', "
    "'log_key.retired')"
)
REWRAPPER = "exchange_ledger_rewrapper"


def upgrade() -> None:
    """Give the rewrapper the two columns it rewrites, and make the registry's index anew over more types."""
    op.execute(f"GRANT USAGE ON SCHEMA ledger TO {REWRAPPER}")
    op.execute(f"GRANT SELECT, UPDATE (kek_id, wrapped) ON ledger.data_key TO {REWRAPPER}")
    op.drop_index("entry_registry", "entry", schema="ledger")
    op.create_index(
        "entry_registry", "entry", ["position"], schema="ledger", postgresql_where=sa.text(REGISTRY_PREDICATE)
    )
