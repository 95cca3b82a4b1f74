"""The tables of the notifier's schema; the migrations are proven equal to them by a test. No content is stored here."""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from shared.entry_types import WITHHOLDING_TYPES
from shared.ledger.progress import PROGRESS_TYPES
from shared.vocabulary import EntryType

SCHEMA = "notifier"

OPEN = "state IN ('owed', 'delivered')"
UNOWNED = "state NOT IN ('owned', 'decided')"


def _listed(types: Iterable[EntryType]) -> str:
    return "(" + ", ".join(f"'{each}'" for each in sorted(types)) + ")"


MAY_BE_OVERDUE = (
    f"NOT overdue AND entry_type NOT IN {_listed({EntryType.NOTIFICATION_OVERDUE, *PROGRESS_TYPES})} AND ({UNOWNED}"
    f" OR state <> 'decided' AND entry_type IN {_listed(WITHHOLDING_TYPES)})"
)
"""What somebody must own, and a withholding must be decided on. Not news of what is overdue or how far it has come.

A query that asks in these very words, and not by parameters, is answered by the index over them.
"""
MAY_BE_UNANSWERED = f"answer_due_at IS NOT NULL AND {UNOWNED}"

metadata = MetaData(schema=SCHEMA)

notification = Table(
    "notification",
    metadata,
    Column("obligation_id", Text, primary_key=True),
    Column("entry_id", Text, nullable=False),
    Column("entry_type", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("child", Text, nullable=True),
    Column("agency", Text, nullable=True),
    Column("recipient", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'owed'")),
    Column("urgency", Text, nullable=False, server_default=text("'immediate'")),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True), nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("queued", Boolean, nullable=False, server_default=text("false")),
    Column("overdue", Boolean, nullable=False, server_default=text("false")),
    Column("came_by", Text, nullable=False),
    Column("topic", Text, nullable=True),
    Column("partition", Integer, nullable=True),
    Column("offset", BigInteger, nullable=True),
    Column("answer_due_at", DateTime(timezone=True), nullable=True),
    Index("notification_turn", "recipient", "next_attempt_at", postgresql_where=text(OPEN)),
    Index(
        "notification_of_child",
        "recipient",
        text("COALESCE(child, '')"),
        "position",
        postgresql_where=text(f"{OPEN} AND NOT queued"),
    ),
    Index("notification_entry", "entry_id"),
    Index("notification_overdue", "due_at", postgresql_where=text(MAY_BE_OVERDUE)),
    Index("notification_unanswered", "answer_due_at", postgresql_where=text(MAY_BE_UNANSWERED)),
    comment="Obligations as they are carried out",
)

early_state = Table(
    "early_state",
    metadata,
    Column("obligation_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    comment="How far obligations have come whose entry is still to be taken in",
)

attempt = Table(
    "attempt",
    metadata,
    Column("obligation_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("endpoint", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=True),
    Column("outcome", Text, nullable=True),
    Column("status", SmallInteger, nullable=True),
    comment="Every attempt, written down before it is made; no outcome means that it is not known",
)

child_role = Table(
    "child_role",
    metadata,
    Column("child", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("authority", Text, primary_key=True),
    Column("entry_id", Text, nullable=True),
    Column("entry_type", Text, nullable=True),
    Column("permanence", Text, nullable=True),
    comment="Which authorities stood in which role to each child, for the detection of moves",
)

withholding = Table(
    "withholding",
    metadata,
    Column("withholding_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("child", Text, nullable=True),
    Column("agency", Text, nullable=True),
    Column("review_due_on", Date, nullable=True),
    Column("reopens", Boolean, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("chased", Boolean, nullable=False, server_default=text("false")),
    Column("reopened", Boolean, nullable=False, server_default=text("false")),
    Index("withholding_review", "review_due_on", postgresql_where=text("NOT ended AND NOT chased")),
    Index("withholding_child", "child", postgresql_where=text("NOT ended")),
    comment="How each withholding stands, by the last entry that says so: its position, and what was made of it",
)

child_harm = Table(
    "child_harm",
    metadata,
    Column("child", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("entry_id", Text, nullable=False),
    comment="The last entry about each child that tells of harm",
)

fact = Table(
    "fact",
    metadata,
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("position", BigInteger, nullable=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("not_before", DateTime(timezone=True), nullable=True),
    Column("refused", Text, nullable=True),
    Index("fact_in_turn", text("COALESCE(not_before, created_at)"), postgresql_where=text("position IS NULL")),
    comment="What is to be appended to the ledger, once; position when it has been",
)

seen = Table(
    "seen",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    comment="Entries that have been taken in",
)

partition_progress = Table(
    "partition_progress",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    comment="The last ledger position seen in each partition, so that loss is noticed",
)

intake = Table(
    "intake",
    metadata,
    Column("name", Text, primary_key=True),
    Column("complete_up_to", BigInteger, nullable=False),
    comment="Every entry up to this position has been taken in",
)

# Written by the release before, read by nobody; a later release drops it.
unreadable = Table(
    "unreadable",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    comment="Records that were no entries of this ledger",
)
