"""How many entries there were so far about each child, in bounded memory however many children there are."""

import sqlite3
from collections.abc import Iterable

from shared.errors import Unavailable
from shared.identifiers import ChildRef

MOST_IN_MEMORY = 20_000
_CACHE_KB = 8_192


class ChildVersions:
    """Each child's last version. What outgrows memory goes to a temporary file that nobody else can open.

    It holds references only, and is gone with the process. Raises Unavailable when the disk has no room for it.
    """

    def __init__(self, known: Iterable[tuple[ChildRef, int]] = (), *, most_in_memory: int = MOST_IN_MEMORY) -> None:
        self._recent: dict[ChildRef, int] = {}
        self._most_in_memory = most_in_memory
        self._spilled: sqlite3.Connection | None = None
        for ref, version in known:
            self.put(ref, version)

    def get(self, ref: ChildRef) -> int:
        """Return a child's last version, 0 for a child that nothing was about."""
        version = self._recent.get(ref)
        if version is not None or self._spilled is None:
            return version or 0
        try:
            row = self._spilled.execute("SELECT version FROM last WHERE ref = ?", (ref,)).fetchone()
        except sqlite3.Error as error:
            raise _no_room() from error
        return int(row[0]) if row is not None else 0

    def put(self, ref: ChildRef, version: int) -> None:
        """Take a version for a child's last."""
        self._recent[ref] = version
        if len(self._recent) >= self._most_in_memory:
            self._spill()

    def __len__(self) -> int:
        """Return how many children there are."""
        if self._spilled is None:
            return len(self._recent)
        return int(self._spill().execute("SELECT count(*) FROM last").fetchone()[0])

    def _spill(self) -> sqlite3.Connection:
        try:
            if self._spilled is None:
                self._spilled = _temporary_file()
            # In the order of the table, so that its pages are read and written once.
            self._spilled.executemany(
                "INSERT INTO last VALUES (?, ?) ON CONFLICT (ref) DO UPDATE SET version = excluded.version",
                sorted(self._recent.items()),
            )
        except sqlite3.Error as error:
            raise _no_room() from error
        self._recent.clear()
        return self._spilled


def _temporary_file() -> sqlite3.Connection:
    # A database without a name is a file that SQLite removes as soon as it has opened it.
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    for setting in (f"cache_size = -{_CACHE_KB}", "journal_mode = OFF", "synchronous = OFF"):
        database.execute(f"PRAGMA {setting}")
    database.execute("CREATE TABLE last (ref TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID")
    return database


def _no_room() -> Unavailable:
    return Unavailable(
        "there is no room for the check's temporary file", remedy="Make room where SQLITE_TMPDIR points."
    )
