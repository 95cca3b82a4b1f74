"""Checkpoints that the auditor kept from earlier: without one, a history rewritten *and re-signed* passes."""

from collections.abc import Mapping, Sequence
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


def check_kept(
    report: Report, keys: TrustedLogKeys, kept: Sequence[KeptCheckpoint], roots: Mapping[int, bytes]
) -> list[bytes]:
    """Hold the log against every checkpoint that was kept and that a key signed which the log has proven.

    ``roots`` are those of the tree at the sizes that were read. Returns the notes it was held against. One that no such
    key signed is unproven, and held against nothing: whoever made it up would else accuse the log by it.
    """
    held = []
    for each in kept:
        size = each.said.size
        try:
            keys.open_kept(each.note)
        except ExchangeError as error:
            report.unproven.append(Unproven(size, error.detail))
            continue
        held.append(each.note)
        if size > report.size:
            report.find(
                FindingKind.TRUNCATED,
                f"an older checkpoint vouches for {size} entries, but the log ends after {report.size}",
                at=report.size,
                to=size - 1,
            )
        elif roots.get(size, each.said.root) != each.said.root:
            report.find(
                FindingKind.OLDER_CHECKPOINT_CONTRADICTED,
                f"the first {size} entries are not those that an older checkpoint vouches for",
                at=0,
                to=max(1, size) - 1,
            )
    return held
