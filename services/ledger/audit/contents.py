"""What entries say of themselves, each held against those before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.ledger.audit.child_versions import ChildVersions
from services.ledger.audit.findings import FindingKind, Report
from shared.clock import parse_rfc3339
from shared.entries import Entry, parse_entry
from shared.errors import ExchangeError, InvalidInput, NotPermitted
from shared.ledger.registry import KeyNotValid, KeyRevoked, Registry, UnknownKey


@dataclass(slots=True)
class Contents:
    """What the entries say of themselves: order, time, children's histories, keys."""

    report: Report
    registry: Registry = field(default_factory=Registry)
    versions: ChildVersions = field(default_factory=ChildVersions)
    last_time: str = ""

    def check(self, leaf: bytes, *, position: int) -> Entry | None:
        """Check one entry's content; None when its bytes are no entry. Entries come in order."""
        try:
            entry = parse_entry(leaf)
        except InvalidInput as error:
            self.report.find(FindingKind.UNREADABLE_ENTRY, f"entry {position}: {error.detail}", at=position)
            return None
        if entry.position != position:
            self.report.find(
                FindingKind.MISPLACED_ENTRY,
                f"entry {position} says that it is entry {entry.position}: rows were swapped, moved or inserted",
                at=position,
            )
        if entry.time < self.last_time:
            self.report.find(
                FindingKind.TIME_RUNS_BACKWARDS, f"entry {position} is dated before the one before", at=position
            )
        self.last_time = max(self.last_time, entry.time)
        self._check_children(entry, position)
        self._check_registry(entry, position)
        return entry

    def _check_children(self, entry: Entry, position: int) -> None:
        for subject in entry.subjects:
            expected = self.versions.get(subject.ref) + 1
            if subject.version != expected:
                self.report.find(
                    FindingKind.CHILD_HISTORY_BROKEN,
                    f"entry {position} is number {subject.version} about its child where {expected} should come",
                    at=position,
                )
            self.versions.put(subject.ref, subject.version)

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
