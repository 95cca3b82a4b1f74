"""What may be held, proposed, approved and erased next: two people for every erasure, and no hold overruled (G9).

Folding (``shared.ledger.stewardship``) only reads what is in the ledger; this decides what may come into it. The one
writer decides with the state that its last entry left, so that no hold can come between deciding and erasing.
"""

from datetime import date

from services.ledger.domain.approving import check_approver_added, check_approver_revoked, check_signature
from shared.clock import parse_rfc3339
from shared.entries import Entry
from shared.errors import Conflict, InvalidInput, NotFound, NotPermitted
from shared.identifiers import EntryId, is_code, parse_child_ref, parse_entry_id
from shared.ledger.approvers import ApproverKeyFacts, ApproverKeyRevokedFacts
from shared.ledger.facts import read_facts
from shared.ledger.stewardship import (
    APPROVALS_NEEDED,
    SCOPE_CHILD,
    SCOPE_ENTRY,
    ApprovalFacts,
    ErasureFacts,
    ErasureProposedFacts,
    HoldFacts,
    HoldLiftedFacts,
    Proposal,
    ProposalWithdrawnFacts,
    RetentionProposedFacts,
    Stewardship,
    Target,
)
from shared.reference.working_days import local_day
from shared.vocabulary import EntryType

LARGEST_RUN = 300
"""Children in one retention run: as many as one entry can name."""

_ANSWERS = {
    EntryType.ERASURE_APPROVED: EntryType.ERASURE_PROPOSED,
    EntryType.ERASURE_WITHDRAWN: EntryType.ERASURE_PROPOSED,
    EntryType.RETENTION_APPROVED: EntryType.RETENTION_PROPOSED,
    EntryType.RETENTION_WITHDRAWN: EntryType.RETENTION_PROPOSED,
}


class ChildOnHold(Conflict):
    """A legal hold is in force: nothing about this child may be erased before it is lifted."""

    code = "child-on-hold"


class AlreadyErased(Conflict):
    """What is named has been erased already."""

    code = "already-erased"


class NotApproved(Conflict):
    """Too few people have approved."""

    code = "not-approved"


class ProposalWithdrawn(Conflict):
    """The proposal was taken back: nobody can approve it or carry it out any more."""

    code = "proposal-withdrawn"


class CaseMovedOn(Conflict):
    """Something was recorded about the child since the retention run looked."""

    code = "case-moved-on"


class SecondPersonNeeded(NotPermitted):
    """The account has had its say: another person must approve."""

    code = "second-person-needed"


def check_stewardship(entry: Entry, state: Stewardship) -> None:
    """Return when a stewardship entry may follow; raise if not.

    Raises ChildOnHold, AlreadyErased, NotApproved, ProposalWithdrawn, CaseMovedOn, SecondPersonNeeded, NotFound,
    InvalidInput, what ``services.ledger.domain.approving`` raises, or IntegrityFailure when its facts do not fit its
    type.
    """
    match entry.type:
        case EntryType.HOLD_PLACED:
            _check_hold(entry, read_facts(entry, HoldFacts), state)
        case EntryType.HOLD_LIFTED:
            lifted = read_facts(entry, HoldLiftedFacts)
            _codes(lifted.reason, lifted.by)
            if lifted.hold not in state.holds:
                raise NotFound("no hold of that id is in force", remedy="See: exchange hold list")
        case EntryType.ERASURE_PROPOSED:
            proposed = read_facts(entry, ErasureProposedFacts)
            _codes(proposed.authority, proposed.reason, proposed.by)
            _check_target(proposed.target, state)
        case EntryType.RETENTION_PROPOSED:
            _check_run(entry, read_facts(entry, RetentionProposedFacts), state)
        case EntryType.ERASURE_APPROVED | EntryType.RETENTION_APPROVED:
            _check_approval(entry, read_facts(entry, ApprovalFacts), state)
        case EntryType.ERASURE_WITHDRAWN | EntryType.RETENTION_WITHDRAWN:
            withdrawn = read_facts(entry, ProposalWithdrawnFacts)
            # Anybody may take a proposal back: what is kept meanwhile can still be erased, and not the other way.
            _codes(withdrawn.reason, withdrawn.by)
            _proposal_of_kind(entry, withdrawn.proposal, state)
        case EntryType.APPROVER_KEY_ADDED:
            added = read_facts(entry, ApproverKeyFacts)
            _codes(added.account, added.by)
            check_approver_added(added, state.approvers)
        case EntryType.APPROVER_KEY_REVOKED:
            revoked = read_facts(entry, ApproverKeyRevokedFacts)
            _codes(revoked.reason, revoked.by)
            check_approver_revoked(revoked, state.approvers)
        case EntryType.ERASURE_RECORDED:
            _check_erasure(entry, read_facts(entry, ErasureFacts), state)
        case _:
            return


def open_proposal(name: EntryId, state: Stewardship) -> Proposal:
    """Return a proposal that can still be approved or carried out. Raises ProposalWithdrawn or NotFound."""
    withdrawal = state.withdrawn.get(name)
    if withdrawal is not None:
        raise ProposalWithdrawn(
            f"that proposal was withdrawn by {withdrawal.by} (entry {withdrawal.position}): {withdrawal.reason}",
            remedy="If it is to be erased after all, propose it again.",
        )
    proposal = state.proposals.get(name)
    if proposal is None:
        raise NotFound("no proposal of that id is open: it never was, or is carried out")
    return proposal


def _check_hold(entry: Entry, facts: HoldFacts, state: Stewardship) -> None:
    _codes(facts.authority, facts.reason, facts.by)
    if [subject.ref for subject in entry.subjects] != [facts.child]:
        raise InvalidInput("a hold is about the child it names")
    if state.is_erased(facts.child):
        raise AlreadyErased("what was known of this child has been erased: there is nothing left to hold")


def _check_run(entry: Entry, facts: RetentionProposedFacts, state: Stewardship) -> None:
    _codes(facts.by)
    if not 1 <= len(facts.due) <= LARGEST_RUN or len({due.child for due in facts.due}) != len(facts.due):
        raise InvalidInput(f"a run proposes 1 to {LARGEST_RUN} children, each once")
    today = local_day(parse_rfc3339(entry.time)).isoformat()
    for due in facts.due:
        _codes(due.retention_class)
        if _day(due.due_on) > _day(facts.as_at) or _day(facts.as_at) > _day(today):
            raise InvalidInput("a run proposes only what is due by now")
        _check_target(Target(SCOPE_CHILD, due.child), state)


def _check_approval(entry: Entry, facts: ApprovalFacts, state: Stewardship) -> None:
    _codes(facts.by)
    proposal = _proposal_of_kind(entry, facts.proposal, state)
    if facts.by == proposal.by or facts.by in proposal.approved_by:
        raise SecondPersonNeeded(
            f"{facts.by} has proposed or approved this already",
            remedy=f"{APPROVALS_NEEDED} people approve, neither of them the proposer.",
        )
    check_signature(facts, proposal, state.approvers)


def _check_erasure(entry: Entry, facts: ErasureFacts, state: Stewardship) -> None:
    _check_target(facts.target, state)
    proposal = open_proposal(facts.proposal, state)
    if facts.target.name not in proposal.left or proposal.left[facts.target.name] != facts.target:
        raise InvalidInput("the proposal names no such child or entry")
    if not proposal.is_approved:
        raise NotApproved(
            f"{len(proposal.approved_by)} of {APPROVALS_NEEDED} have approved",
            remedy="Another person must approve first.",
        )
    said = (facts.authority, facts.reason, facts.proposed_by, facts.approved_by)
    if said != (proposal.authority, proposal.reason, proposal.by, proposal.approved_by):
        raise InvalidInput("an erasure says who proposed and approved it, and why, as the ledger has it")
    if entry.subjects and [subject.ref for subject in entry.subjects] != [facts.target.child]:
        raise InvalidInput("an erasure is about the child it names")
    if facts.target.scope == SCOPE_CHILD and not entry.subjects:
        raise InvalidInput("an erasure is about the child it names")
    # Holds come first: placing one was itself recorded about the child, and moved its case on.
    holds = state.holds_on(facts.target.child)
    if holds:
        raise ChildOnHold(
            f"a legal hold is in force on this child, {', '.join(holds)}: nothing about it may be erased",
            remedy="See: exchange hold list",
        )
    decided_on = proposal.versions.get(facts.target.child) if facts.target.child is not None else None
    if decided_on is not None and entry.subjects[0].version != decided_on + 1:
        raise CaseMovedOn(
            "something was recorded about this child since the run looked", remedy="Propose it again, if it is due."
        )


def _check_target(target: Target, state: Stewardship) -> None:
    if target.child is not None:
        parse_child_ref(target.child)
    if target.scope == SCOPE_ENTRY and target.entry is not None:
        parse_entry_id(target.entry)
    elif target.scope != SCOPE_CHILD or target.child is None or target.entry is not None:
        raise InvalidInput("an erasure's scope is a child by its reference, or one entry by its id")
    if target.name in state.erased:
        raise AlreadyErased("this has been erased already")


def _proposal_of_kind(entry: Entry, name: EntryId, state: Stewardship) -> Proposal:
    proposal = open_proposal(name, state)
    if proposal.type is not _ANSWERS[entry.type]:
        raise InvalidInput("the proposal is of another kind than what is said of it")
    return proposal


def _codes(*codes: str) -> None:
    if not all(is_code(code) for code in codes):
        raise InvalidInput(
            "grounds, reasons and accounts are codes of lower-case letters, digits, dots, underscores and hyphens",
            remedy="Use the person's account, not their name: entries hold no names in clear.",
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("a day is written as 2026-11-24") from error
