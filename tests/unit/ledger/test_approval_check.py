"""An audit holds every erasure against what was proposed, approved and withdrawn before it."""

import msgspec

from services.ledger.audit.erasures import ApprovalCheck
from services.ledger.audit.findings import FindingKind, Report
from shared.entries import Entry, Subject
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.stewardship import (
    SCOPE_CHILD,
    ApprovalFacts,
    ErasureFacts,
    ErasureProposedFacts,
    ProposalWithdrawnFacts,
    Target,
)
from shared.vocabulary import EntryType

CHILD = ChildRef("c" * 32)
TARGET = Target(SCOPE_CHILD, CHILD)
PROPOSAL = EntryId(f"{0:032x}")

PROPOSED = (EntryType.ERASURE_PROPOSED, ErasureProposedFacts(TARGET, "ground", "reason", "p.ellis"))
APPROVED = [(EntryType.ERASURE_APPROVED, ApprovalFacts(PROPOSAL, by)) for by in ("q.harrow", "r.dunmore")]
WITHDRAWN = (EntryType.ERASURE_WITHDRAWN, ProposalWithdrawnFacts(PROPOSAL, "asked_in_error", "p.ellis"))
ERASED = (
    EntryType.ERASURE_RECORDED,
    ErasureFacts(TARGET, "ground", "reason", PROPOSAL, "p.ellis", ("q.harrow", "r.dunmore"), "2026-12-29T00:00:00Z"),
)


def found(*history: tuple[EntryType, msgspec.Struct]) -> list[tuple[FindingKind, int, str]]:
    """Return what a check finds in a log of these entries alone."""
    report = Report()
    check = ApprovalCheck(report)
    for at, (entry_type, facts) in enumerate(history):
        entry = Entry(
            position=Position(at),
            id=EntryId(f"{at:032x}"),
            type=entry_type,
            time=f"2026-11-24T12:00:{at:02}Z",
            facts=msgspec.to_builtins(facts),
            subjects=(Subject(CHILD, 1),) if entry_type is EntryType.ERASURE_RECORDED else (),
        )
        check.check(entry, at=at)
    return [(finding.kind, finding.first_position, finding.detail) for finding in report.findings]


def test_an_erasure_that_two_others_approved_is_no_finding() -> None:
    assert found(PROPOSED, *APPROVED, ERASED) == []


def test_an_erasure_after_its_proposal_was_withdrawn_is_found() -> None:
    ((kind, at, detail),) = found(PROPOSED, *APPROVED, WITHDRAWN, ERASED)
    assert (kind, at) == (FindingKind.ERASURE_NOT_APPROVED, 4)
    assert "was withdrawn by p.ellis (entry 3): asked_in_error" in detail


def test_an_approval_of_what_was_withdrawn_is_found_and_so_is_an_erasure_that_one_alone_approved() -> None:
    assert [at for _, at, _ in found(PROPOSED, APPROVED[0], WITHDRAWN, APPROVED[1], ERASED)] == [3, 4]
    assert [at for _, at, _ in found(PROPOSED, APPROVED[0], ERASED)] == [2]
