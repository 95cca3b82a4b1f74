"""Verifying the ledger: everything is recomputed from stored bytes and held against the signed checkpoints.

Needs the log's verifier key from outside the database: what the database says of itself proves nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from services.ledger.audit.beside_the_log import BesideTheLog
from services.ledger.audit.contents import Contents
from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.since import Start, start_after
from services.ledger.audit.stored_log import StoredHead, StoredLog, StoredRow
from shared.errors import ExchangeError, IntegrityFailure
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import EMPTY, Frontier, grow, leaf_hash
from shared.transparency.signed_note import NoteVerifier


@dataclass(slots=True)
class _Tree:
    """The tree over the entries read so far, checked at every signed head and every older checkpoint."""

    report: Report
    signed: Mapping[bytes, Checkpoint]
    older: dict[int, Checkpoint]
    frontier: Frontier = EMPTY
    pending: list[bytes] = field(default_factory=list)
    last_head: int = 0
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
        older = self.older.get(self.frontier.size + len(self.pending))
        if older is not None and self._grown().root() != older.root:
            self.report.find(
                FindingKind.OLDER_CHECKPOINT_CONTRADICTED,
                f"the first {older.size} entries are not those that an older checkpoint vouches for",
                at=0,
                to=older.size - 1,
            )

    def close_at(self, head: StoredHead) -> None:
        """Check a signed head against the entries up to it, and go on from what it vouches for."""
        if head.previous_size != self.last_head:
            self.report.find(
                FindingKind.HEAD_MISSING,
                f"the signed heads leave out the entries from {self.last_head} to {head.previous_size - 1}",
                at=min(self.last_head, head.previous_size),
                to=max(self.last_head, head.previous_size - 1),
            )
        start, self.last_head = self.last_head, head.size
        signed = self.signed.get(head.checkpoint)
        if signed is None:
            self._refuse(FindingKind.BAD_SIGNATURE, "is not signed by the log's key", start, head.size)
            self.frontier, self.pending, self.edited = self._grown(), [], False
            return
        grown = self._grown()
        if signed.size != head.size or grown.size != head.size or grown.root() != signed.root:
            # Where single entries were already found edited or missing, the head only confirms it.
            if not self.edited:
                self._refuse(FindingKind.HEAD_MISMATCH, "does not match its signed checkpoint", start, head.size)
            grown = _vouched(head, signed) or grown
        self.frontier, self.pending, self.edited = grown, [], False

    def _grown(self) -> Frontier:
        return grow(self.frontier, self.pending).frontier if self.pending else self.frontier

    def _refuse(self, kind: FindingKind, what: str, start: int, size: int) -> None:
        self.report.find(kind, f"the history from entry {start} to {size - 1} {what}", at=start, to=size - 1)


async def verify_log(
    stored: StoredLog,
    *,
    verifiers: Sequence[NoteVerifier],
    older_checkpoints: Sequence[Checkpoint] = (),
    since: Checkpoint | None = None,
) -> Report:
    """Return what a full check of the stored ledger finds.

    ``verifiers`` are the log's keys as the auditor knows them; ``older_checkpoints`` are checkpoints kept from
    earlier (the guard's, a witness's, an auditor's own): without one, a history rewritten *and re-signed* passes.
    ``since`` is one of them up to which all was checked before: only what came after it is read, if the log still
    holds its tree. Opens nothing and needs no secret. Memory grows only with the number of children.
    """
    report = Report()
    older: dict[int, Checkpoint] = {checkpoint.size: checkpoint for checkpoint in older_checkpoints}
    start = Start()
    if since is not None:
        try:
            start = await start_after(stored, since)
        except IntegrityFailure as error:
            last = max(1, since.size) - 1
            report.find(FindingKind.OLDER_CHECKPOINT_CONTRADICTED, error.detail, at=0, to=last)
            return report
    report.since = first = start.frontier.size
    heads = _Heads(stored.heads(start=first), verifiers)
    tree = _Tree(report, heads.signed, older, frontier=start.frontier, last_head=first)
    contents = Contents(report, start.registry, start.versions, start.last_time)
    beside = BesideTheLog(stored, report, heads=heads.signed, start=first)
    head = await heads.next()
    expected = int(first)
    async for row in stored.rows(start=first):
        while head is not None and head.size <= row.position:
            tree.edited = tree.edited or tree.frontier.size + len(tree.pending) < head.size
            tree.close_at(head)
            head = await heads.next()
        if row.position != expected:
            report.find(
                FindingKind.MISSING_ENTRY,
                f"the entries from {expected} to {row.position - 1} are missing",
                at=expected,
                to=row.position - 1,
            )
            tree.edited = True
        tree.add(row)
        entry = contents.check(row.leaf, position=row.position)
        if entry is not None:
            if entry.position == row.position and (entry.id, entry.type.value) != (row.entry_id, row.type):
                report.find(
                    FindingKind.COLUMN_MISMATCH,
                    f"the columns beside entry {row.position} do not say what the entry says",
                    at=row.position,
                )
            await beside.check(row, entry)
        expected = row.position + 1
    while head is not None:
        if head.size > expected:
            report.find(
                FindingKind.TRUNCATED,
                f"{head.size} entries were signed, but the log ends after {expected}",
                at=expected,
                to=head.size - 1,
            )
            tree.edited = True
        tree.close_at(head)
        head = await heads.next()
    if tree.last_head < expected:
        report.find(
            FindingKind.HEAD_MISSING,
            f"the entries from {tree.last_head} to {expected - 1} are covered by no signed head",
            at=tree.last_head,
            to=expected - 1,
        )
    await beside.check_left_over()
    for checkpoint in older_checkpoints:
        if checkpoint.size > expected:
            report.find(
                FindingKind.TRUNCATED,
                f"an older checkpoint vouches for {checkpoint.size} entries, but the log ends after {expected}",
                at=expected,
                to=checkpoint.size - 1,
            )
    report.size, report.root = expected, tree.frontier.root().hex()
    report.heads, report.children = heads.count, len(contents.versions)
    return report


class _Heads:
    """The signed heads, one at a time. ``signed`` holds what the current one says, if its signature verifies."""

    def __init__(self, heads: AsyncIterator[StoredHead], verifiers: Sequence[NoteVerifier]) -> None:
        self._heads = heads
        self._verifiers = verifiers
        self.signed: dict[bytes, Checkpoint] = {}
        self.count = 0

    async def next(self) -> StoredHead | None:
        """Return the next head by size, or None after the last."""
        self.signed.clear()
        head = await anext(self._heads, None)
        if head is not None:
            self.count += 1
            with suppress(ExchangeError):
                self.signed[head.checkpoint] = open_checkpoint(head.checkpoint, self._verifiers)
        return head


def _vouched(head: StoredHead, signed: Checkpoint) -> Frontier | None:
    """Return the stored frontier if it is the very tree that was signed, so that the check can go on from there."""
    try:
        frontier = Frontier.from_bytes(head.frontier)
    except ExchangeError:
        return None
    return frontier if frontier.size == signed.size == head.size and frontier.root() == signed.root else None
