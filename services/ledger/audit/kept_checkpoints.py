"""Checkpoints that the auditor kept from earlier: without one, a history rewritten *and re-signed* passes."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.ledger.audit.findings import FindingKind, Report, Unproven
from shared.errors import ExchangeError
from shared.ledger.log_keys import TrustedLogKeys
from shared.transparency.checkpoint import Checkpoint, read_unverified_checkpoint


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A kept note and what it says, whoever signed it."""

    note: bytes
    said: Checkpoint


def read_kept(notes: Sequence[bytes]) -> list[KeptCheckpoint]:
    """Return what kept notes say, none verified. Raises InvalidInput when one is no checkpoint."""
    return [KeptCheckpoint(note, read_unverified_checkpoint(note)) for note in notes]


def check_kept(report: Report, keys: TrustedLogKeys, kept: Sequence[KeptCheckpoint]) -> None:
    """Hold every checkpoint that was kept against the keys that the log has proven, and against its size.

    One that no such key signed is unproven: whoever made it up would else accuse the log by it, so that what only it
    contradicts is no finding.
    """
    proven = set[int]()
    for each in kept:
        size = each.said.size
        try:
            keys.open_kept(each.note)
        except ExchangeError as error:
            report.unproven.append(Unproven(size, error.detail))
            continue
        proven.add(size)
        if size > report.size:
            report.find(
                FindingKind.TRUNCATED,
                f"an older checkpoint vouches for {size} entries, but the log ends after {report.size}",
                at=report.size,
                to=size - 1,
            )
    report.findings = [
        each
        for each in report.findings
        if each.kind is not FindingKind.OLDER_CHECKPOINT_CONTRADICTED or each.last_position + 1 in proven
    ]
