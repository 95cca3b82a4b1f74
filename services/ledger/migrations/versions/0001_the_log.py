"""The log, its answers, its children, its obligations, and what is sealed beside it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REGISTRY_PREDICATE = (
    "type IN ('agency.key_added', 'agency.key_revoked', 'agency.registered', 'endpoint.registered', "
    "'endpoint.withdrawn', 'ledger.opened')"
)
APPEND_ONLY = ("entry", "tree_head", "answer", "child_entry", "obligation", "obligation_step")
ERASABLE = ("data_key", "sealed_section", "child_identifier", "used_nonce")

WRITER = "exchange_ledger_writer"
RELAY = "exchange_ledger_relay"
ERASER = "exchange_ledger_eraser"
AUDITOR = "exchange_auditor"


def upgrade() -> None:
    """Make the tables, forbid changes to what is append-only, and give each role what it needs and no more."""
    _make_log_tables()
    _make_lookup_tables()
    _make_erasable_tables()
    _forbid_changes()
    _grant()


def _make_log_tables() -> None:
    op.create_table(
        "entry",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry_id", sa.Text, nullable=False, unique=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        schema="ledger",
        comment="The log: leaf bytes as hashed, in commit order without gaps",
    )
    op.create_index(
        "entry_registry", "entry", ["position"], schema="ledger", postgresql_where=sa.text(REGISTRY_PREDICATE)
    )
    op.create_table(
        "tree_head",
        sa.Column("previous_size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False, unique=True),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary, nullable=False),
        schema="ledger",
        comment="One signed checkpoint for each batch; previous_size fences a second writer",
    )
    op.create_table(
        "answer",
        sa.Column("token", sa.LargeBinary, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("data_key_id", sa.Text, nullable=False),
        sa.Column("nonce_token", sa.LargeBinary, nullable=True, unique=True),
        schema="ledger",
        comment="The original answer to each idempotency key (keyed hash), for ever; body lacks leaf and checkpoint",
    )
    op.create_index("answer_position", "answer", ["position"], schema="ledger")


def _make_lookup_tables() -> None:
    op.create_table(
        "child_entry",
        sa.Column("ref", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text), nullable=False),
        schema="ledger",
        comment="Every entry about each child, counted from 1; roles as role:authority",
    )
    op.create_table(
        "obligation",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("obligation_id", sa.Text, primary_key=True),
        sa.Column("recipient", sa.Text, nullable=False),
        schema="ledger",
        comment="Who is owed notice of which entry; the details stand in the entry",
    )
    op.create_table(
        "obligation_step",
        sa.Column("obligation_id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=True),
        sa.Column("recorded_at", sa.Text, nullable=False),
        schema="ledger",
        comment="How each obligation climbed its ladder, by the entries that say so",
    )
    op.create_table(
        "relay_cursor",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("last_in_partition", postgresql.JSONB, nullable=False),
        schema="ledger",
        comment="How far entries have been relayed to Kafka",
    )


def _make_erasable_tables() -> None:
    op.create_table(
        "used_nonce",
        sa.Column("token", sa.LargeBinary, primary_key=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema="ledger",
        comment="Nonces of signed requests that changed nothing or conflicted",
    )
    op.create_table(
        "child_identifier",
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("identifying", sa.Boolean, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        schema="ledger",
        comment="Blind index: keyed hashes of identifiers; erasable",
    )
    op.create_index(
        "child_identifier_identifying",
        "child_identifier",
        ["token"],
        unique=True,
        schema="ledger",
        postgresql_where=sa.text("identifying"),
    )
    op.create_index(
        "child_identifier_similar",
        "child_identifier",
        ["token", "ref"],
        unique=True,
        schema="ledger",
        postgresql_where=sa.text("NOT identifying"),
    )
    op.create_table(
        "data_key",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("kek_id", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        schema="ledger",
        comment="Wrapped data keys, one for each child; erasable",
    )
    op.create_table(
        "sealed_section",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("data_key_id", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        schema="ledger",
        comment="Ciphertext of each entry's sections; erasable",
    )


def _forbid_changes() -> None:
    op.execute(
        """
        CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the ledger is append-only: % on %.% is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME;
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger.{table}"
            " FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()"
        )


def _grant() -> None:
    for role in (WRITER, RELAY, ERASER, AUDITOR):
        op.execute(f"GRANT USAGE ON SCHEMA ledger TO {role}")
    everything = ", ".join(f"ledger.{table}" for table in APPEND_ONLY + ERASABLE)
    op.execute(f"GRANT SELECT, INSERT ON {everything} TO {WRITER}")
    op.execute(f"GRANT SELECT ON ledger.entry TO {RELAY}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON ledger.relay_cursor TO {RELAY}")
    op.execute(f"GRANT SELECT ON ledger.entry TO {ERASER}")
    erasable = ", ".join(f"ledger.{table}" for table in ERASABLE)
    op.execute(f"GRANT SELECT, DELETE ON {erasable} TO {ERASER}")
    seen_by_auditor = ", ".join(f"ledger.{table}" for table in (*APPEND_ONLY, "sealed_section"))
    op.execute(f"GRANT SELECT ON {seen_by_auditor} TO {AUDITOR}")
    # An auditor counts which keys live, and never reads one.
    op.execute(f"GRANT SELECT (key_id) ON ledger.data_key TO {AUDITOR}")
