"""What a check of the ledger can find, each finding naming where and in words a lay reader follows."""

from dataclasses import dataclass, field
from enum import StrEnum


class FindingKind(StrEnum):
    """What is wrong, by what an attacker or a fault would have had to do."""

    MISSING_ENTRY = "missing_entry"
    EDITED_ENTRY = "edited_entry"
    UNREADABLE_ENTRY = "unreadable_entry"
    MISPLACED_ENTRY = "misplaced_entry"
    DUPLICATED_ENTRY = "duplicated_entry"
    COLUMN_MISMATCH = "column_mismatch"
    TIME_RUNS_BACKWARDS = "time_runs_backwards"
    CHILD_HISTORY_BROKEN = "child_history_broken"
    HEAD_MISMATCH = "head_mismatch"
    HEAD_MISSING = "head_missing"
    HEAD_REPEATED = "head_repeated"
    FRONTIER_EDITED = "frontier_edited"
    FORKED = "forked"
    BAD_SIGNATURE = "bad_signature"
    BAD_COSIGNATURE = "bad_cosignature"
    SECTION_MISSING = "section_missing"
    SECTION_EDITED = "section_edited"
    SECTION_FOREIGN = "section_foreign"
    IDENTIFIER_FOREIGN = "identifier_foreign"
    ANSWER_MISMATCH = "answer_mismatch"
    ANSWER_MISSING = "answer_missing"
    NONCE_REUSED = "nonce_reused"
    OBLIGATION_MISMATCH = "obligation_mismatch"
    UNREGISTERED_KEY = "unregistered_key"
    REVOKED_KEY = "revoked_key"
    KEY_OUT_OF_DATE = "key_out_of_date"
    KEY_OF_ANOTHER_AGENCY = "key_of_another_agency"
    REGISTRY_BROKEN = "registry_broken"
    OLDER_CHECKPOINT_CONTRADICTED = "older_checkpoint_contradicted"
    TRUNCATED = "truncated"
    BAD_TILE = "bad_tile"
    TORN_TILE = "torn_tile"
    MISSING_TILE = "missing_tile"
    ERASED_IN_NAME_ONLY = "erased_in_name_only"
    ERASURE_NOT_APPROVED = "erasure_not_approved"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, from ``first_position`` to ``last_position`` (the same for a single entry)."""

    kind: FindingKind
    first_position: int
    last_position: int
    detail: str


@dataclass(frozen=True, slots=True)
class DestroyedKey:
    """A key-encryption key that the log says was destroyed, by which entry and when (RFC 3339)."""

    kek_id: str
    position: int
    destroyed_at: str


@dataclass(slots=True)
class Lost:
    """How many sealed sections are there and cannot be opened any more, as what wrapped their keys was destroyed."""

    key: DestroyedKey
    sections: int = 0


@dataclass(frozen=True, slots=True)
class Unproven:
    """A kept checkpoint of so many entries that no key signed which the log can prove: it says nothing of the log."""

    size: int
    detail: str


@dataclass(frozen=True, slots=True)
class WitnessStanding:
    """A witness's key that was given (its id in hex), and the largest size that it cosigned; None if it did nowhere."""

    name: str
    key_id: str
    cosigned: int | None


@dataclass(slots=True)
class Report:
    """What a check saw, of the entries from ``since`` on. ``intact`` only if nothing was found.

    ``erased`` counts sections that are gone as an approved erasure says; ``lost`` those that are there and will never
    be opened again. ``unproven`` are kept checkpoints that the log could not be held against; ``witnesses`` how each
    key stands that was given; ``not_checked`` what the source does not hold.
    """

    size: int = 0
    since: int = 0
    root: str = ""
    heads: int = 0
    children: int = 0
    sections: int = 0
    erased: int = 0
    lost: list[Lost] = field(default_factory=list)
    answers: int = 0
    witnesses: list[WitnessStanding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    unproven: list[Unproven] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings

    @property
    def whole(self) -> bool:
        """Whether all could be checked that was asked for: every kept checkpoint and every witness's cosignature."""
        return not self.unproven and all(each.cosigned is not None for each in self.witnesses)

    def find(self, kind: FindingKind, detail: str, *, at: int, to: int | None = None) -> None:
        """Add a finding at a position, or from one position to another."""
        self.findings.append(Finding(kind, at, at if to is None else to, detail))

    def first(self) -> Finding | None:
        """Return the finding with the lowest position, the one that names a place most exactly."""
        return min(self.findings, key=lambda each: (each.first_position, each.last_position), default=None)


def entries_between(first: int, last: int) -> str:
    """Return the entries from one position to another, both with them, as people say it."""
    return f"entry {first}" if first == last else f"the entries from {first} to {last}"
