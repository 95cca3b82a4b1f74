"""What the ledger says of who proposed, approved and withdrew erasures, each held against what was said before it."""

from dataclasses import dataclass, field

from services.ledger.audit.findings import FindingKind, Report
from services.ledger.domain.stewarding import check_stewardship
from shared.entries import Entry
from shared.entry_types import STEWARDSHIP_TYPES
from shared.errors import ExchangeError
from shared.ledger.stewardship import Stewardship


@dataclass(slots=True)
class ApprovalCheck:
    """Holds every hold, proposal, approval and erasure against those before it, as the ledger itself had to."""

    report: Report
    state: Stewardship = field(default_factory=Stewardship)

    def check(self, entry: Entry, *, at: int) -> None:
        """Check one entry. Entries are taken in position order."""
        if entry.type not in STEWARDSHIP_TYPES:
            return
        try:
            check_stewardship(entry, self.state)
            self.state = self.state.with_entry(entry)
        except ExchangeError as error:
            self.report.find(FindingKind.ERASURE_NOT_APPROVED, f"entry {at}: {error.detail}", at=at)
