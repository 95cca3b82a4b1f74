"""The witness's memory in SQLite: one row for each log, changed under a lock that other processes respect too."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from services.witness.domain.judging import Latest
from services.witness.keys import parse_log_key
from services.witness.ports import Decide, Decided
from shared.errors import Unavailable
from shared.transparency.checkpoint import read_unverified_checkpoint

_WAIT_S = 5.0

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS cosigned_v1 (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS log_key_v1 (
    origin TEXT NOT NULL,
    verifier_key TEXT NOT NULL,
    PRIMARY KEY (origin, verifier_key)
) STRICT
""",
)


class SqliteMemory:
    """One connection, used by one thread at a time. What a transaction wrote survives power loss once it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            # EXTRA also syncs the folder after the journal is gone, without which a commit could roll itself back.
            self._connection.execute("PRAGMA synchronous = EXTRA")
            for table in _SCHEMA:
                self._connection.execute(table)
        except sqlite3.Error as error:
            raise Unavailable("the witness's memory cannot be opened") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def latest(self, origin: str) -> Latest | None:
        """Return what was cosigned last, or None. Raises Unavailable when it cannot be read."""
        with self._lock:
            try:
                return self._read(origin)
            except sqlite3.Error as error:
                raise Unavailable("the witness's memory cannot be read") from error

    def advance(self, origin: str, decide: Decide[Decided]) -> Decided:
        """Let ``decide`` say what follows what was cosigned last; return its answer when that is durable.

        Raises Unavailable when it could not be kept: then nothing was cosigned.
        """
        with self._lock:
            try:
                with self._transaction():
                    answer, now = decide(self._read(origin))
                    if now is not None:
                        self._connection.execute(
                            "INSERT INTO cosigned_v1 (origin, size, note) VALUES (?, ?, ?)"
                            " ON CONFLICT (origin) DO UPDATE SET size = excluded.size, note = excluded.note",
                            (origin, now.checkpoint.size, now.note),
                        )
                        self._connection.executemany(
                            "INSERT OR IGNORE INTO log_key_v1 (origin, verifier_key) VALUES (?, ?)",
                            [(origin, key.verifier_key()) for key in now.log_keys],
                        )
            except sqlite3.Error as error:
                raise Unavailable("the witness's memory cannot be written") from error
        return answer

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        # IMMEDIATE takes the write lock before reading, so that no two over one file see the same old row.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _read(self, origin: str) -> Latest | None:
        row = self._connection.execute("SELECT note FROM cosigned_v1 WHERE origin = ?", (origin,)).fetchone()
        if row is None:
            return None
        keys = self._connection.execute(
            "SELECT verifier_key FROM log_key_v1 WHERE origin = ? ORDER BY verifier_key", (origin,)
        ).fetchall()
        return Latest(read_unverified_checkpoint(row[0]), row[0], tuple(parse_log_key(text) for (text,) in keys))
