"""Verifying the ledger: everything is recomputed from stored bytes and held against the signed checkpoints.

Needs the log's verifier key from outside the database: what the database says of itself proves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.ledger.audit.beside_the_log import BesideTheLog
from services.ledger.audit.erasures import ApprovalCheck, check_children_gone, read_erasures
from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.stored_log import StoredHead, StoredLog, StoredRow
from shared.clock import parse_rfc3339
from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.identifiers import ChildRef
from shared.ledger.log_keys import TrustedLogKeys
from shared.ledger.registry import Registry
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint
from shared.transparency.merkle import EMPTY, Frontier, grow, leaf_hash
from shared.transparency.signed_note import NoteVerifier

LONGEST_WAIT = 4096


@dataclass(slots=True)
class _Tree:
    """The tree over the entries read so far, checked at every signed head and every older checkpoint."""

    report: Report
    keys: TrustedLogKeys
    older: Mapping[int, set[bytes]]
    signed: dict[bytes, Checkpoint] = field(default_factory=dict)
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
        if head.previous_size != self.last_head:
            self.report.find(
                FindingKind.HEAD_MISSING,
                f"the signed heads leave out the entries from {self.last_head} to {head.previous_size - 1}",
                at=min(self.last_head, head.previous_size),
                to=max(self.last_head, head.previous_size - 1),
            )
        start, self.last_head = self.last_head, head.size
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


@dataclass(slots=True)
class _Contents:
    """What the entries say of themselves: order, time, children's histories, keys."""

    report: Report
    registry: Registry = field(default_factory=Registry)
    versions: dict[ChildRef, int] = field(default_factory=dict)
    last_time: str = ""

    def check(self, row: StoredRow) -> Entry | None:
        """Check one entry's content; None when its bytes are no entry."""
        try:
            entry = parse_entry(row.leaf)
        except InvalidInput as error:
            self.report.find(FindingKind.UNREADABLE_ENTRY, f"entry {row.position}: {error.detail}", at=row.position)
            return None
        if entry.position != row.position:
            self.report.find(
                FindingKind.MISPLACED_ENTRY,
                f"entry {row.position} says that it is entry {entry.position}: rows were swapped, moved or inserted",
                at=row.position,
            )
        elif (entry.id, entry.type.value) != (row.entry_id, row.type):
            self.report.find(
                FindingKind.COLUMN_MISMATCH,
                f"the columns beside entry {row.position} do not say what the entry says",
                at=row.position,
            )
        if entry.time < self.last_time:
            self.report.find(
                FindingKind.TIME_RUNS_BACKWARDS, f"entry {row.position} is dated before the one before", at=row.position
            )
        self.last_time = max(self.last_time, entry.time)
        self._check_children(entry, row.position)
        self._check_registry(entry, row.position)
        return entry

    def _check_children(self, entry: Entry, position: int) -> None:
        for subject in entry.subjects:
            expected = self.versions.get(subject.ref, 0) + 1
            if subject.version != expected:
                self.report.find(
                    FindingKind.CHILD_HISTORY_BROKEN,
                    f"entry {position} is number {subject.version} about its child where {expected} should come",
                    at=position,
                )
            self.versions[subject.ref] = subject.version

    def _check_registry(self, entry: Entry, position: int) -> None:
        try:
            if entry.key is not None:
                key = self.registry.key_valid_at(entry.key, at=parse_rfc3339(entry.time))
                if key.agency != entry.agency:
                    raise InvalidInput("the key belongs to another agency")
            self.registry = self.registry.with_entry(entry)
        except (ExchangeError, IntegrityFailure) as error:
            self.report.find(FindingKind.UNREGISTERED_KEY, f"entry {position}: {error.detail}", at=position)


@dataclass(slots=True)
class _Deferred:
    """Holds what stands beside the entries back until the head that covers them has been checked.

    An answer's receipt carries that very head, and the key that signed it may be learned only by then.
    """

    beside: BesideTheLog
    waiting: list[tuple[StoredRow, Entry]] = field(default_factory=list)

    async def take(self, row: StoredRow, entry: Entry) -> None:
        """Check an entry later; not much later, where heads are missing."""
        self.waiting.append((row, entry))
        if len(self.waiting) >= LONGEST_WAIT:
            await self.check()

    async def check(self) -> None:
        """Check all that waits."""
        for row, entry in self.waiting:
            await self.beside.check(row, entry)
        self.waiting.clear()

    async def check_left_over(self) -> None:
        """Check the rest, and report what is stored beside no entry."""
        await self.check()
        await self.beside.check_left_over()


async def verify_log(
    stored: StoredLog, *, verifiers: Sequence[NoteVerifier], older_notes: Sequence[bytes] = ()
) -> Report:
    """Return what a full check of the stored ledger finds.

    ``verifiers`` are the log's keys as the auditor knows them; later ones are learned from entries that those prove.
    ``older_notes`` are checkpoints kept from earlier (the guard's, a witness's, an auditor's own): without one, a
    history rewritten *and re-signed* passes. Opens nothing and needs no secret. Memory grows only with the number of
    children.
    """
    report = Report()
    older_checkpoints = [read_unverified_checkpoint(note) for note in older_notes]
    older: dict[int, set[bytes]] = {}
    for checkpoint in older_checkpoints:
        older.setdefault(checkpoint.size, set()).add(checkpoint.root)
    heads = [head async for head in stored.heads()]
    keys = TrustedLogKeys([*verifiers])
    tree = _Tree(report, keys, older)
    contents = _Contents(report)
    erasures = await read_erasures(stored)
    approvals = ApprovalCheck(report)
    beside = _Deferred(BesideTheLog(stored, report, heads=tree.signed, erasures=erasures))
    next_head = iter(heads)
    head = next(next_head, None)
    expected = 0
    async for row in stored.rows():
        while head is not None and head.size <= row.position:
            tree.edited = tree.edited or tree.frontier.size + len(tree.pending) < head.size
            tree.close_at(head)
            await beside.check()
            head = next(next_head, None)
        if row.position != expected:
            report.find(
                FindingKind.MISSING_ENTRY,
                f"the entries from {expected} to {row.position - 1} are missing",
                at=expected,
                to=row.position - 1,
            )
            tree.edited = True
        tree.add(row)
        entry = contents.check(row)
        if entry is not None:
            approvals.check(entry, at=row.position)
            keys.take(entry)
            await beside.take(row, entry)
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
        head = next(next_head, None)
    if tree.last_head < expected:
        report.find(
            FindingKind.HEAD_MISSING,
            f"the entries from {tree.last_head} to {expected - 1} are covered by no signed head",
            at=tree.last_head,
            to=expected - 1,
        )
    await beside.check_left_over()
    await check_children_gone(erasures, stored, report)
    for note, checkpoint in zip(older_notes, older_checkpoints, strict=True):
        if not _is_the_logs_own(note, keys):
            report.find(
                FindingKind.BAD_SIGNATURE,
                f"the older checkpoint of size {checkpoint.size} is signed by no key that this log can prove",
                at=0,
                to=max(checkpoint.size - 1, 0),
            )
        if checkpoint.size > expected:
            report.find(
                FindingKind.TRUNCATED,
                f"an older checkpoint vouches for {checkpoint.size} entries, but the log ends after {expected}",
                at=expected,
                to=checkpoint.size - 1,
            )
    report.size, report.root = expected, tree.frontier.root().hex()
    report.heads, report.children = len(heads), len(contents.versions)
    return report


def _is_the_logs_own(note: bytes, keys: TrustedLogKeys) -> bool:
    try:
        keys.open_kept(note)
    except ExchangeError:
        return False
    return True


def _vouched(head: StoredHead, signed: Checkpoint) -> Frontier | None:
    """Return the stored frontier if it is the very tree that was signed, so that the check can go on from there."""
    try:
        frontier = Frontier.from_bytes(head.frontier)
    except ExchangeError:
        return None
    return frontier if frontier.size == signed.size == head.size and frontier.root() == signed.root else None
