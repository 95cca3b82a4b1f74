"""The tree as a check grows it from stored bytes, held against every signed head on the way."""

from collections.abc import Set
from dataclasses import dataclass, field

from services.ledger.audit.findings import FindingKind, Report, entries_between
from services.ledger.audit.stored_log import StoredHead, StoredRow
from shared.errors import ExchangeError
from shared.ledger.log_keys import TrustedLogKeys
from shared.transparency.checkpoint import Checkpoint
from shared.transparency.merkle import EMPTY, Frontier, grow, leaf_hash


@dataclass(slots=True)
class TreeCheck:
    """The tree over the entries read so far, checked at every signed head.

    ``signed`` holds what the head closed last says, by its bytes, if a trusted key signed it. ``roots`` gathers what
    the tree's root was at each of ``sizes``.
    """

    report: Report
    keys: TrustedLogKeys
    sizes: Set[int]
    roots: dict[int, bytes] = field(default_factory=dict)
    signed: dict[bytes, Checkpoint] = field(default_factory=dict)
    frontier: Frontier = EMPTY
    pending: list[bytes] = field(default_factory=list)
    last_head: int = 0
    last_signed: Checkpoint | None = None
    edited: bool = False
    unvouched_from: int | None = None

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
        if size in self.sizes:
            self.roots[size] = self._grown().root()

    def close_at(self, head: StoredHead) -> None:
        """Check a signed head against the entries up to it, and go on from what it vouches for."""
        if head.size == self.last_head and not self.pending:
            self._close_again(head)
            return
        if head.previous_size != self.last_head:
            left_out = entries_between(self.last_head, head.previous_size - 1)
            self.report.find(
                FindingKind.HEAD_MISSING,
                f"the signed heads leave out {left_out}"
                if head.previous_size > self.last_head
                else f"a signed head begins at entry {head.previous_size}, and the one before ends at {self.last_head}",
                at=min(self.last_head, head.previous_size),
                to=max(self.last_head, head.previous_size - 1),
            )
        start, self.last_head = self.last_head, head.size
        self.last_signed = None
        self.signed.clear()
        try:
            signed = self.last_signed = self.signed[head.checkpoint] = self.keys.open(head.checkpoint)
        except ExchangeError as error:
            self.keys.refuted()
            what = f"is covered by a checkpoint that no key of the log signed: {error.detail}"
            self._refuse(FindingKind.BAD_SIGNATURE, what, start, head.size)
            self.frontier, self.pending, self.edited = self._grown(), [], False
            return
        grown = self._grown()
        if signed.size != head.size or grown.size != head.size or grown.root() != signed.root:
            # Where single entries were already found edited or missing, the head only confirms it.
            if not self.edited:
                self._refuse(FindingKind.HEAD_MISMATCH, "does not match its signed checkpoint", start, head.size)
            self.keys.refuted()
            grown = _vouched(head, signed) or grown
        elif _vouched(head, signed) is None:
            self._refuse(FindingKind.FRONTIER_EDITED, "has a stored frontier of another tree", start, head.size)
        self.keys.proven()
        if self.keys.vouched:
            self.unvouched_from = None
        elif self.unvouched_from is None:
            self.unvouched_from = start
        self.frontier, self.pending, self.edited = grown, [], False

    def check_vouched(self) -> None:
        """Report it when the last heads are signed by keys that only the log itself names, and nobody trusted."""
        if self.unvouched_from is not None:
            what = "is signed only by keys for which no key that you trust has vouched"
            self._refuse(FindingKind.BAD_SIGNATURE, what, self.unvouched_from, self.last_head)

    def _close_again(self, head: StoredHead) -> None:
        try:
            signed = self.keys.open(head.checkpoint)
        except ExchangeError:
            signed = None
        if signed is not None and self.last_signed is not None and signed.root != self.last_signed.root:
            self._refuse(
                FindingKind.FORKED, "was signed as two different trees of one size", head.previous_size, head.size
            )
        else:
            self._refuse(FindingKind.HEAD_REPEATED, "is closed by two stored heads", head.previous_size, head.size)

    def _grown(self) -> Frontier:
        return grow(self.frontier, self.pending).frontier if self.pending else self.frontier

    def _refuse(self, kind: FindingKind, what: str, start: int, size: int) -> None:
        self.report.find(kind, f"the history of {entries_between(start, size - 1)} {what}", at=start, to=size - 1)


def _vouched(head: StoredHead, signed: Checkpoint) -> Frontier | None:
    """Return the stored frontier if it is the very tree that was signed, so that the check can go on from there."""
    try:
        frontier = Frontier.from_bytes(head.frontier)
    except ExchangeError:
        return None
    return frontier if frontier.size == signed.size == head.size and frontier.root() == signed.root else None
