"""Verifying the ledger: everything is recomputed from stored bytes and held against the signed checkpoints.

Needs the log's verifier key from outside the database: what the database says of itself proves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.ledger.audit.beside_the_log import BesideTheLog
from services.ledger.audit.findings import FindingKind, Report
from services.ledger.audit.stored_log import StoredLog, StoredRow
from services.ledger.audit.tree_check import TreeCheck
from shared.clock import parse_rfc3339
from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError, InvalidInput, NotPermitted
from shared.identifiers import ChildRef
from shared.ledger.log_keys import TrustedLogKeys
from shared.ledger.registry import KeyNotValid, KeyRevoked, Registry, UnknownKey
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import NoteVerifier

LONGEST_WAIT = 4096


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
                    raise KeyOfAnotherAgency("the key belongs to another agency than the entry names")
            self.registry = self.registry.with_entry(entry)
        except ExchangeError as error:
            kind = _KEY_FINDINGS.get(type(error), FindingKind.REGISTRY_BROKEN)
            self.report.find(kind, f"entry {position}: {error.detail}", at=position)


class KeyOfAnotherAgency(NotPermitted):
    """An entry in one agency's name bears the key of another."""

    code = "key-of-another-agency"


_KEY_FINDINGS: Mapping[type[ExchangeError], FindingKind] = {
    UnknownKey: FindingKind.UNREGISTERED_KEY,
    KeyRevoked: FindingKind.REVOKED_KEY,
    KeyNotValid: FindingKind.KEY_OUT_OF_DATE,
    KeyOfAnotherAgency: FindingKind.KEY_OF_ANOTHER_AGENCY,
}


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
    tree = TreeCheck(report, keys, older)
    contents = _Contents(report)
    beside = _Deferred(BesideTheLog(stored, report, heads=tree.signed))
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
    await _check_repeated(stored, report)
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


async def _check_repeated(stored: StoredLog, report: Report) -> None:
    async for position in stored.repeated_ids():
        report.find(FindingKind.DUPLICATED_ENTRY, f"entry {position} bears the id of an earlier entry", at=position)
    async for position in stored.reused_nonces():
        report.find(
            FindingKind.NONCE_REUSED, f"entry {position} answers a request with a nonce used before", at=position
        )


def _is_the_logs_own(note: bytes, keys: TrustedLogKeys) -> bool:
    try:
        keys.open_kept(note)
    except ExchangeError:
        return False
    return True
