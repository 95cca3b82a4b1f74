"""The tables of the ledger's schema; the migrations are proven equal to them by a test."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.entry_types import AMENDMENT_TYPES, REGISTRY_TYPES, STEWARDSHIP_TYPES
from shared.vocabulary import EntryType

SCHEMA = "ledger"

metadata = MetaData(schema=SCHEMA)

REGISTRY_PREDICATE = "type IN (" + ", ".join(f"'{name}'" for name in sorted(REGISTRY_TYPES)) + ")"
STEWARDSHIP_PREDICATE = "type IN (" + ", ".join(f"'{name}'" for name in sorted(STEWARDSHIP_TYPES)) + ")"
CONFLICT_PREDICATE = f"type = '{EntryType.REQUEST_CONFLICTED}'"

AUDIT_PREDICATE = "type = 'audit.opened'"
_FOLLOWING_BESIDES = frozenset(
    {EntryType.QUEUE_RESOLVED, EntryType.NOTIFICATION_OVERDUE, EntryType.WITHHOLDING_REVIEW_OVERDUE}
)
FOLLOWING_PREDICATE = (
    "type IN (" + ", ".join(f"'{name}'" for name in sorted(AMENDMENT_TYPES | _FOLLOWING_BESIDES)) + ")"
)
REVIEW_OVERDUE_PREDICATE = f"type = '{EntryType.WITHHOLDING_REVIEW_OVERDUE}'"

entry = Table(
    "entry",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Index("entry_registry", "position", postgresql_where=text(REGISTRY_PREDICATE)),
    Index("entry_following", "position", postgresql_where=text(FOLLOWING_PREDICATE)),
    Index("entry_review_overdue", "position", postgresql_where=text(REVIEW_OVERDUE_PREDICATE)),
    Index("entry_audit_opened", "position", postgresql_where=text(AUDIT_PREDICATE)),
    Index("entry_kept_or_erased", "position", postgresql_where=text(STEWARDSHIP_PREDICATE)),
    Index("entry_conflicted", "position", postgresql_where=text(CONFLICT_PREDICATE)),
    comment="The log: leaf bytes as hashed, in commit order without gaps",
)

tree_head = Table(
    "tree_head",
    metadata,
    Column("previous_size", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False, unique=True),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    comment="One signed checkpoint for each batch; previous_size fences a second writer",
)

answer = Table(
    "answer",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("data_key_id", Text, nullable=False),
    Column("nonce_token", LargeBinary, nullable=True, unique=True),
    Index("answer_position", "position"),
    comment="The original answer to each idempotency key (keyed hash), for ever; body lacks leaf and checkpoint",
)

used_nonce = Table(
    "used_nonce",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="Nonces of signed requests that changed nothing or conflicted",
)

child_entry = Table(
    "child_entry",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    comment="Every entry about each child, counted from 1; roles as role:authority",
)

child_identifier = Table(
    "child_identifier",
    metadata,
    Column("token", LargeBinary, nullable=False),
    Column("ref", Text, nullable=False),
    Column("identifying", Boolean, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("child_identifier_identifying", "token", unique=True, postgresql_where=text("identifying")),
    Index("child_identifier_similar", "token", "ref", unique=True, postgresql_where=text("NOT identifying")),
    Index("child_identifier_position", "position"),
    comment="Blind index: keyed hashes of identifiers; erasable",
)

obligation = Table(
    "obligation",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("obligation_id", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    comment="Who is owed notice of which entry; the details stand in the entry",
)

obligation_step = Table(
    "obligation_step",
    metadata,
    Column("obligation_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=True),
    Column("recorded_at", Text, nullable=False),
    comment="How each obligation climbed its ladder, by the entries that say so",
)

data_key = Table(
    "data_key",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("kek_id", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    comment="Wrapped data keys, one for each child; erasable",
)

sealed_section = Table(
    "sealed_section",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("data_key_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    comment="Ciphertext of each entry's sections; erasable",
)

relay_cursor = Table(
    "relay_cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("last_in_partition", JSONB, nullable=False),
    comment="How far entries have been relayed to Kafka",
)

APPEND_ONLY = (entry, tree_head, answer, child_entry, obligation, obligation_step)
"""Tables that nobody may update, delete from or truncate."""

ERASABLE = (data_key, sealed_section, child_identifier, used_nonce)
"""Tables from which the function that erases, and nobody else, may delete."""
