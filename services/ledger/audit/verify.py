"""Verifying the ledger: everything is recomputed from stored bytes and held against the signed checkpoints.

Needs the log's verifier key from outside the database: what the database says of itself proves nothing.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from services.ledger.audit.approvals import ApprovalCheck
from services.ledger.audit.beside_the_log import BesideTheLog
from services.ledger.audit.contents import Contents
from services.ledger.audit.cosignatures import check_cosignatures
from services.ledger.audit.destroyed_keys import read_destroyed_keys
from services.ledger.audit.erasures import check_children_gone, read_erasures
from services.ledger.audit.findings import FindingKind, Report, entries_between
from services.ledger.audit.kept_checkpoints import check_kept, read_kept
from services.ledger.audit.since import Start, start_after
from services.ledger.audit.stored_log import StoredLog, StoredRow
from services.ledger.audit.tree_check import TreeCheck
from shared.entries import Entry
from shared.errors import IntegrityFailure
from shared.ledger.log_keys import TrustedLogKeys
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import NoteVerifier

LONGEST_WAIT = 4096


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
    stored: StoredLog,
    *,
    verifiers: Sequence[NoteVerifier],
    older_notes: Sequence[bytes] = (),
    since: bytes | None = None,
    witnesses: Sequence[NoteVerifier] = (),
) -> Report:
    """Return what a full check of the stored ledger finds.

    ``verifiers`` are the log's keys as the auditor knows them; others are learned from entries that those prove.
    ``older_notes`` are checkpoints kept from earlier (the guard's, a witness's, an auditor's own): without one, a
    history rewritten *and re-signed* passes. ``since`` is one of them up to which all was checked before: only what
    came after it is read, if the log still holds its tree. ``witnesses`` are those whose cosignatures on the kept
    checkpoints are checked: the database holds none. Opens nothing and needs no secret. Memory does
    not grow with the log, unless with what is found wrong in it. Raises InvalidInput when a kept note is no checkpoint,
    IntegrityFailure when ``since`` is neither this log's tree nor signed by a key of ``verifiers``.
    """
    report = Report()
    kept = read_kept([*older_notes, *([] if since is None else [since])])
    keys = TrustedLogKeys(verifiers)
    start = await _start(stored, report, keys, since)
    if start is not None:
        roots = await _read(stored, report, keys, {int(each.said.size) for each in kept}, start)
        held = check_kept(report, keys, kept, roots)
        check_cosignatures(report, held, witnesses)
    return report


async def _start(stored: StoredLog, report: Report, keys: TrustedLogKeys, since: bytes | None) -> Start | None:
    """Return where to begin, having learned the keys that the kept checkpoint covers; None when it is contradicted.

    Raises IntegrityFailure when it is contradicted and no key that the auditor trusts signed it: it proves nothing.
    """
    if since is None:
        return Start()
    checkpoint = read_unverified_checkpoint(since)
    try:
        start = await start_after(stored, checkpoint)
    except IntegrityFailure as error:
        keys.open_kept(since)
        last = max(1, checkpoint.size) - 1
        report.find(FindingKind.OLDER_CHECKPOINT_CONTRADICTED, error.detail, at=0, to=last)
        return None
    # The auditor kept that checkpoint because it was checked: what it covers is proven.
    for entry in start.registered:
        keys.take(entry)
    keys.proven()
    return start


async def _read(
    stored: StoredLog, report: Report, keys: TrustedLogKeys, sizes: Set[int], start: Start
) -> dict[int, bytes]:
    """Check every entry from a start on. Returns the roots that the tree had at the given sizes, where it was read."""
    first = start.frontier.size
    report.since = first
    tree = TreeCheck(report, keys, sizes, frontier=start.frontier, last_head=first)
    contents = Contents(report, start.registry, start.versions, start.last_time)
    erasures, approvals = await read_erasures(stored), ApprovalCheck(report, start.stewardship)
    destroyed = await read_destroyed_keys(stored)
    beside = _Deferred(
        BesideTheLog(stored, report, heads=tree.signed, erasures=erasures, destroyed=destroyed, start=first)
    )
    heads = aiter(stored.heads(start=first))
    head = await anext(heads, None)
    expected = int(first)
    async for row in stored.rows(start=first):
        while head is not None and head.size <= row.position:
            tree.edited = tree.edited or tree.frontier.size + len(tree.pending) < head.size
            tree.close_at(head)
            await beside.check()
            report.heads, head = report.heads + 1, await anext(heads, None)
        if row.position != expected:
            report.find(
                FindingKind.MISSING_ENTRY,
                f"the log lacks {entries_between(expected, row.position - 1)}",
                at=expected,
                to=row.position - 1,
            )
            tree.edited = True
        tree.add(row)
        entry = contents.check(row.leaf, position=row.position)
        if entry is not None:
            _check_columns(report, row, entry)
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
        await beside.check()
        report.heads, head = report.heads + 1, await anext(heads, None)
    if tree.last_head < expected:
        report.find(
            FindingKind.HEAD_MISSING,
            f"no signed head covers {entries_between(tree.last_head, expected - 1)}",
            at=tree.last_head,
            to=expected - 1,
        )
    tree.check_vouched()
    await beside.check_left_over()
    await check_children_gone(erasures, stored, report)
    await _check_identifiers(stored, report, start=first)
    await _check_repeated(stored, report, start=first)
    report.size, report.root, report.children = expected, tree.frontier.root().hex(), len(contents.versions)
    return tree.roots


def _check_columns(report: Report, row: StoredRow, entry: Entry) -> None:
    if entry.position == row.position and (entry.id, entry.type.value) != (row.entry_id, row.type):
        report.find(
            FindingKind.COLUMN_MISMATCH,
            f"the columns beside entry {row.position} do not say what the entry says",
            at=row.position,
        )


async def _check_identifiers(stored: StoredLog, report: Report, *, start: int) -> None:
    """Report whatever a child is found by that no entry about it recorded: an erasure would not find it."""
    async for position in stored.foreign_identifiers(start=start):
        report.find(
            FindingKind.IDENTIFIER_FOREIGN,
            f"a look-up hash stands beside entry {position}, which is not about the child that it finds",
            at=position,
        )


async def _check_repeated(stored: StoredLog, report: Report, *, start: int) -> None:
    async for position in stored.repeated_ids(start=start):
        report.find(FindingKind.DUPLICATED_ENTRY, f"entry {position} bears the id of an earlier entry", at=position)
    async for position in stored.reused_nonces(start=start):
        report.find(
            FindingKind.NONCE_REUSED, f"entry {position} answers a request with a nonce used before", at=position
        )
