"""The log's writer in Postgres: one elected session, one statement for each batch."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

import asyncpg

from services.ledger.adapters.look_up_connection import LookUpConnection
from services.ledger.adapters.writer_session import LOST, DatabaseFull, WriterSession
from services.ledger.domain.receipts import whole_answer
from services.ledger.domain.sealing import WrappedKey
from services.ledger.ports import CommittedBatch, FoundAnswer, Head, LookedUp, WriterLost
from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import ChildRef, EntryId, Position, TreeSize
from shared.transparency.merkle import Frontier

ELECTION_EVERY_S = 0.25

# All rows of a batch and the head that covers them in one statement: one round trip, one implicit transaction,
# one flush. A second writer fails on the primary key of the head and of every position.
# The sets stand in the select list, where they are read as they are inserted: in FROM each would be copied first.
_COMMIT = """
WITH new_head AS (
    INSERT INTO ledger.tree_head (previous_size, size, frontier, checkpoint) VALUES ($1, $2, $3, $4)
), new_entry AS (
    INSERT INTO ledger.entry (position, entry_id, type, leaf, leaf_hash)
    SELECT unnest($5::text::bigint[]), unnest(string_to_array($6, ',')), unnest(string_to_array($7, ',')),
           unnest($8::bytea[]), unnest($9::bytea[])
), new_answer AS (
    INSERT INTO ledger.answer (token, position, status, body, fingerprint, data_key_id, nonce_token)
    SELECT unnest($10::bytea[]), unnest($11::text::bigint[]), unnest($12::text::smallint[]), unnest($13::bytea[]),
           unnest($14::bytea[]), unnest(string_to_array($15, ',')), unnest($16::bytea[])
), new_nonce AS (
    INSERT INTO ledger.used_nonce (token) SELECT unnest($17::bytea[]) ON CONFLICT DO NOTHING
), new_child_entry AS (
    INSERT INTO ledger.child_entry (ref, version, position, roles)
    SELECT ref, version, position, string_to_array(roles, ' ')
    FROM (SELECT unnest(string_to_array($18, ',')) AS ref, unnest($19::text::integer[]) AS version,
                 unnest($20::text::bigint[]) AS position, unnest($21::text[]) AS roles) AS added
), new_identity AS (
    INSERT INTO ledger.child_identifier (token, ref, identifying, position)
    SELECT unnest($22::bytea[]), unnest(string_to_array($23, ',')), true, unnest($24::text::bigint[])
), new_identifier AS (
    INSERT INTO ledger.child_identifier (token, ref, identifying, position)
    SELECT unnest($25::bytea[]), unnest(string_to_array($26, ',')), false, unnest($27::text::bigint[])
    ON CONFLICT (token, ref) WHERE NOT identifying DO NOTHING
), new_obligation AS (
    INSERT INTO ledger.obligation (obligation_id, position, recipient)
    SELECT unnest(string_to_array($28, ',')), unnest($29::text::bigint[]), unnest(string_to_array($30, ','))
), new_step AS (
    INSERT INTO ledger.obligation_step (obligation_id, position, state, owner, recorded_at)
    SELECT unnest($31::text[]), unnest($32::text::bigint[]), unnest($33::text[]), unnest($34::text[]),
           unnest($35::text[])
), new_data_key AS (
    INSERT INTO ledger.data_key (key_id, kek_id, wrapped)
    SELECT unnest(string_to_array($36, ',')), unnest($37::text[]), unnest($38::bytea[])
)
INSERT INTO ledger.sealed_section (position, name, data_key_id, content)
SELECT unnest($39::text::bigint[]), unnest($40::text[]), unnest(string_to_array($41, ',')), unnest($42::bytea[])
"""

_LOOK_UP = """
SELECT 'answer' AS kind, a.token AS token, a.position AS number, a.status AS status, a.body AS body,
       a.fingerprint AS fingerprint, a.data_key_id AS name, k.wrapped AS wrapped, e.entry_id AS entry_id,
       k.kek_id AS kek_id, e.leaf AS leaf, h.checkpoint AS checkpoint
  FROM unnest($1::bytea[]) AS asked (token)
  JOIN ledger.answer a ON a.token = asked.token
  JOIN ledger.entry e ON e.position = a.position
  CROSS JOIN LATERAL
       (SELECT t.checkpoint FROM ledger.tree_head t WHERE t.size > a.position ORDER BY t.size LIMIT 1) AS h
  LEFT JOIN ledger.data_key k ON k.key_id = a.data_key_id
UNION ALL
SELECT 'nonce', a.nonce_token, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM unnest($2::bytea[]) AS asked (token) JOIN ledger.answer a ON a.nonce_token = asked.token
UNION ALL
SELECT 'nonce', u.token, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM unnest($2::bytea[]) AS asked (token) JOIN ledger.used_nonce u ON u.token = asked.token
UNION ALL
SELECT 'version', NULL, latest.version, 0, NULL, NULL, asked.ref, NULL, NULL, NULL, NULL, NULL
  FROM unnest($3::text[]) AS asked (ref)
  CROSS JOIN LATERAL (SELECT max(version) AS version FROM ledger.child_entry c WHERE c.ref = asked.ref) AS latest
 WHERE latest.version IS NOT NULL
UNION ALL
SELECT 'identified', i.token, 0, 0, NULL, NULL, i.ref, NULL, NULL, NULL, NULL, NULL
  FROM unnest($4::bytea[]) AS asked (token)
  JOIN ledger.child_identifier i ON i.token = asked.token AND i.identifying
"""


class PostgresLog:
    """A session that stands for writer and, once it has won, holds the log. Ends with its connection."""

    def __init__(self, session: WriterSession, reading: LookUpConnection) -> None:
        self._session = session
        self._reading = reading

    @classmethod
    async def connect(cls, dsn: str, *, password: str) -> "PostgresLog":
        """Return a session that has won nothing yet. Raises WriterLost when the database cannot be reached."""
        session = await WriterSession.connect(dsn, password=password)
        try:
            return cls(session, await LookUpConnection.connect(dsn, password=password))
        except BaseException:
            await session.close()
            raise

    @classmethod
    async def elect(cls, dsn: str, *, password: str) -> "PostgresLog":
        """Connect and wait until this session is the only writer. Raises WriterLost."""
        candidate = await cls.connect(dsn, password=password)
        try:
            while not await candidate.win():  # noqa: ASYNC110
                await asyncio.sleep(ELECTION_EVERY_S)
        except BaseException:
            await candidate.close()
            raise
        return candidate

    async def win(self) -> bool:
        """Try to become the only writer; false while another session is. Raises WriterLost."""
        won = await self._session.win()
        if won:
            # It may have stood idle for months, and been forgotten on the way by whatever stands between.
            await self._reading.check()
        return won

    async def keep(self) -> None:
        """Keep the lock for as long as it can be kept; raises WriterLost as soon as it is known to be gone."""
        await self._session.keep(beside=self._reading.check)

    async def close(self) -> None:
        """Give up the writer's role."""
        await self._session.close()
        await self._reading.close()

    async def head(self) -> Head | None:
        """Return the latest head, or None when the log is empty. Raises WriterLost."""
        row = await self._session.fetch_first(
            "SELECT size, frontier, checkpoint FROM ledger.tree_head ORDER BY previous_size DESC LIMIT 1"
        )
        if row is None:
            return None
        return Head(TreeSize(row["size"]), Frontier.from_bytes(row["frontier"]), row["checkpoint"])

    async def time(self) -> datetime:
        """Return what time it is by the clock of the database's machine. Raises WriterLost."""
        row = await self._session.fetch_first("SELECT clock_timestamp() AS now")
        if row is None:
            raise WriterLost
        return cast(datetime, row["now"])

    async def look_up(
        self,
        *,
        answer_tokens: Sequence[bytes],
        nonce_tokens: Sequence[bytes],
        children: Sequence[ChildRef],
        identifier_tokens: Sequence[bytes],
    ) -> LookedUp:
        """Return what is committed about these, in one round trip, on a connection beside the writer's."""
        rows = await self._reading.fetch(_LOOK_UP, answer_tokens, nonce_tokens, children, identifier_tokens)
        found = LookedUp({}, frozenset(), {}, {})
        nonces: set[bytes] = set()
        for row in rows:
            match row["kind"]:
                case "answer":
                    found.answers[row["token"]] = _found_answer(row)
                case "nonce":
                    nonces.add(row["token"])
                case "version":
                    found.versions[ChildRef(row["name"])] = row["number"]
                case _:
                    found.identified[row["token"]] = ChildRef(row["name"])
        return LookedUp(found.answers, frozenset(nonces), found.versions, found.identified)

    async def commit(self, batch: CommittedBatch) -> None:
        """Add a batch, whole or not at all; durable when this returns.

        The lock's session is the one that commits. Nobody may cancel this: it would leave the session mid-statement.
        """
        try:
            await self._session.execute(_COMMIT, *_columns(batch))
        except asyncpg.UniqueViolationError as error:
            if error.table_name in ("tree_head", "entry") and error.constraint_name != "entry_entry_id_key":
                raise IntegrityFailure("another writer has committed to this log") from error
            raise InvalidInput("the database refused a value that must be unique") from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise InvalidInput("the database refused a value") from error
        except asyncpg.DiskFullError as error:
            raise DatabaseFull(
                "the database's disk is full",
                remedy="Make room on it; the ledger goes on by itself once the database takes entries again.",
                outcome_unknown=True,
            ) from error
        except LOST as error:
            raise WriterLost from error


def _found_answer(row: asyncpg.Record) -> FoundAnswer:
    """Return a stored answer. One that is damaged carries that: it must not fail what is looked up beside it."""
    body, damage = b"", None
    try:
        body = whole_answer(row["body"], leaf=row["leaf"], checkpoint=row["checkpoint"])
    except IntegrityFailure as error:
        damage = error
    return FoundAnswer(
        Position(row["number"]),
        EntryId(row["entry_id"]),
        row["status"],
        body,
        row["fingerprint"],
        row["name"],
        WrappedKey(row["kek_id"], row["wrapped"]) if row["wrapped"] is not None else None,
        opened=damage,
    )


def _columns(batch: CommittedBatch) -> tuple[object, ...]:
    """Return the statement's parameters: four for the head, then one array for each column of each table.

    Numbers and checked names go as one text for each column: the driver inspects every element of an array, which
    took a tenth of an append.
    """
    entries = batch.entries
    answered = [(planned, body) for planned, body in zip(entries, batch.answers, strict=True) if planned.answers]
    conflicted = [planned for planned in entries if not planned.answers and planned.prepared.nonce_token is not None]
    children = [(planned, subject) for planned in entries for subject in planned.entry.subjects]
    identities = [(planned, token) for planned in entries for token in planned.new_identifiers if token.identifying]
    identifiers = [
        (planned, token) for planned in entries for token in planned.new_identifiers if not token.identifying
    ]
    owed = [(planned, obligation) for planned in entries for obligation in planned.entry.obligations]
    steps = [(planned.entry, step) for planned in entries for step in planned.steps]
    keys = [planned.prepared.data_key for planned in entries if planned.prepared.key_is_new]
    sections = [(planned, section) for planned in entries for section in planned.prepared.sections]
    return (
        batch.previous_size,
        batch.head.size,
        batch.head.frontier.to_bytes(),
        batch.head.checkpoint,
        _numbers(planned.entry.position for planned in entries),
        _names([planned.entry.id for planned in entries]),
        _names([planned.entry.type.value for planned in entries]),
        [planned.leaf for planned in entries],
        [planned.leaf_hash for planned in entries],
        [planned.prepared.answer_token for planned, _ in answered],
        _numbers(planned.entry.position for planned, _ in answered),
        _numbers(planned.prepared.request.answer.status for planned, _ in answered),
        [body for _, body in answered],
        [planned.prepared.fingerprint for planned, _ in answered],
        _names([planned.prepared.data_key.id for planned, _ in answered]),
        [planned.prepared.nonce_token for planned, _ in answered],
        [planned.prepared.nonce_token for planned in conflicted],
        _names([subject.ref for _, subject in children]),
        _numbers(subject.version for _, subject in children),
        _numbers(planned.entry.position for planned, _ in children),
        [" ".join(f"{fact.role}:{fact.authority}" for fact in subject.roles) for _, subject in children],
        [identifier.token for _, identifier in identities],
        _names([str(planned.prepared.child_ref) for planned, _ in identities]),
        _numbers(planned.entry.position for planned, _ in identities),
        [identifier.token for _, identifier in identifiers],
        _names([str(planned.prepared.child_ref) for planned, _ in identifiers]),
        _numbers(planned.entry.position for planned, _ in identifiers),
        _names([obligation.id for _, obligation in owed]),
        _numbers(planned.entry.position for planned, _ in owed),
        _names([obligation.recipient for _, obligation in owed]),
        [step.obligation for _, step in steps],
        _numbers(entry.position for entry, _ in steps),
        [step.state for _, step in steps],
        [step.owner for _, step in steps],
        [entry.time for entry, _ in steps],
        _names([key.id for key in keys]),
        [key.wrapped.kek_id for key in keys],
        [key.wrapped.content for key in keys],
        _numbers(planned.entry.position for planned, _ in sections),
        [section.name for _, section in sections],
        _names([planned.prepared.data_key.id for planned, _ in sections]),
        [section.content for _, section in sections],
    )


def _names(names: Sequence[str]) -> str:
    """Return names joined by commas. Raises InvalidInput for a name that holds one: names were checked before."""
    joined = ",".join(names)
    if joined.count(",") > max(0, len(names) - 1):
        raise InvalidInput("a name holds a comma")
    return joined


def _numbers(numbers: Iterable[int]) -> str:
    """Return numbers as Postgres writes an array of them."""
    return "{" + ",".join(map(str, numbers)) + "}"
