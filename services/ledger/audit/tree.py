"""The tree over the entries read so far, held against every signed head and every older checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.stored_log import StoredHead, StoredRow
from shared.errors import ExchangeError
from shared.ledger.log_keys import TrustedLogKeys
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import EMPTY, Frontier, grow, leaf_hash


@dataclass(slots=True)
class CheckedTree:
    """Grows with the rows and is checked wherever something was signed.

    ``signed`` holds what the head closed last says, by its bytes, if a trusted key signed it.
    """

    report: Report
    keys: TrustedLogKeys
    older: Mapping[int, set[bytes]]
    frontier: Frontier = EMPTY
    last_head: int = 0
    signed: dict[bytes, Checkpoint] = field(default_factory=dict)
    pending: list[bytes] = field(default_factory=list)
    edited: bool = False

    def add(self, row: StoredRow) -> None:
        """Add an entry's leaf as its bytes are now."""
        actual = leaf_hash(row.leaf)
        if actual != row.leaf_hash:
            self.edited = True
            self.report.find(
                FindingKind.EDITED_ENTRY,
                f"the bytes of entry {row.position} are not those that were recorded",
                at=row.position,
            )
        self.pending.append(actual)
        size = self.frontier.size + len(self.pending)
        older = self.older.get(size)
        if older is not None and older != {self._grown().root()}:
            self.report.find(
                FindingKind.OLDER_CHECKPOINT_CONTRADICTED,
                f"the first {size} entries are not those that an older checkpoint vouches for",
                at=0,
                to=size - 1,
            )

    def close_at(self, head: StoredHead) -> None:
        """Check a signed head against the entries up to it, and go on from what it vouches for."""
        self.edited = self.edited or self.frontier.size + len(self.pending) < head.size
        if head.previous_size != self.last_head:
            self.report.find(
                FindingKind.HEAD_MISSING,
                f"the signed heads leave out the entries from {self.last_head} to {head.previous_size - 1}",
                at=min(self.last_head, head.previous_size),
                to=max(self.last_head, head.previous_size - 1),
            )
        start, self.last_head = self.last_head, head.size
        self.signed.clear()
        try:
            signed = self.signed[head.checkpoint] = self.keys.open(head.checkpoint)
        except ExchangeError:
            self.keys.refuted()
            self._refuse(FindingKind.BAD_SIGNATURE, "is not signed by a key of the log", start, head.size)
            self.frontier, self.pending, self.edited = self._grown(), [], False
            return
        grown = self._grown()
        if signed.size != head.size or grown.size != head.size or grown.root() != signed.root:
            # Where single entries were already found edited or missing, the head only confirms it.
            if not self.edited:
                self._refuse(FindingKind.HEAD_MISMATCH, "does not match its signed checkpoint", start, head.size)
            self.keys.refuted()
            grown = _vouched(head, signed) or grown
        self.keys.proven()
        self.frontier, self.pending, self.edited = grown, [], False

    def _grown(self) -> Frontier:
        return grow(self.frontier, self.pending).frontier if self.pending else self.frontier

    def _refuse(self, kind: FindingKind, what: str, start: int, size: int) -> None:
        self.report.find(kind, f"the history from entry {start} to {size - 1} {what}", at=start, to=size - 1)


def _vouched(head: StoredHead, signed: Checkpoint) -> Frontier | None:
    """Return the stored frontier if it is the very tree that was signed, so that the check can go on from there."""
    try:
        frontier = Frontier.from_bytes(head.frontier)
    except ExchangeError:
        return None
    return frontier if frontier.size == signed.size == head.size and frontier.root() == signed.root else None
