"""What must be kept and what may go: holds, proposals, approvals and erasures, rebuilt by folding their entries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from shared.entries import Entry, encode_entry
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.approvers import Approvers, Signed
from shared.ledger.changing import Changing
from shared.ledger.facts import read_facts
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType

SCOPE_CHILD = "child"
SCOPE_ENTRY = "entry"

APPROVALS_NEEDED = 2
"""Different accounts, none of them the proposer's."""


class HoldFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``hold.placed``: nothing about the child may be erased. ``authority`` is the legal ground, a code."""

    child: ChildRef
    authority: str
    reason: str
    by: str


class HoldLiftedFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``hold.lifted``; ``hold`` is the id of the entry that placed it."""

    hold: EntryId
    reason: str
    by: str


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is erased: everything about a child, or one entry. An entry's ``child`` is whom it is about, if anybody."""

    scope: str
    child: ChildRef | None
    entry: EntryId | None = None

    @property
    def name(self) -> str:
        """The one string that two targets share only if they are the same."""
        return f"{SCOPE_ENTRY}:{self.entry}" if self.scope == SCOPE_ENTRY else f"{SCOPE_CHILD}:{self.child}"


class ErasureProposedFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``erasure.proposed``. ``by`` is an account, never a name."""

    target: Target
    authority: str
    reason: str
    by: str


class ApprovalFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``erasure.approved`` and ``retention.approved``; ``proposal`` is the proposing entry's id.

    ``signed`` is the approver's signature over ``shared.ledger.approvers.approval_text``, where approvals are signed.
    """

    proposal: EntryId
    by: str
    signed: Signed | None = None


class ProposalWithdrawnFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``erasure.withdrawn`` and ``retention.withdrawn``: what of ``proposal`` is not erased yet, stays."""

    proposal: EntryId
    reason: str
    by: str


class RetentionDue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One child whose retention period has ended. ``version`` is that of the record the proposal rests on."""

    child: ChildRef
    version: int
    retention_class: str
    due_on: str


class RetentionProposedFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``retention.proposed``: one run, by which schedule, and whom it would erase."""

    schedule: str
    as_at: str
    due: tuple[RetentionDue, ...]
    by: str


class ErasureFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``erasure.recorded``. The same transaction that appends it destroys what ``target`` names.

    ``complete_by`` (RFC 3339, UTC) is when the last backup and the last old key-encryption key that could still bring
    a dead copy back to life are gone. ``carried_out_by`` is the account of who did it; the earliest entries do not say.
    """

    target: Target
    authority: str
    reason: str
    proposal: EntryId
    proposed_by: str
    approved_by: tuple[str, ...]
    complete_by: str
    carried_out_by: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposed to erase and who approved it; ``left`` are the targets not yet erased.

    ``proposed_at`` is when that was recorded (RFC 3339, UTC), ``entry_hash`` the leaf hash of the entry that says so.
    ``approved_by`` are those whose approval counts: once any approver has a key, who signed it.
    """

    id: EntryId
    type: EntryType
    authority: str
    reason: str
    by: str
    proposed_at: str
    entry_hash: bytes
    left: Mapping[str, Target]
    versions: Mapping[ChildRef, int] = field(default_factory=dict)
    approved_by: tuple[str, ...] = ()

    @property
    def is_approved(self) -> bool:
        """Whether enough people approved it."""
        return len(self.approved_by) >= APPROVALS_NEEDED


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a proposal was taken back before it was carried out, or before all of it was."""

    reason: str
    by: str
    withdrawn_at: str
    position: Position


RETENTION_AUTHORITY = "uk_gdpr_art_5_1_e"
"""The storage limitation of UK GDPR Article 5(1)(e): what a retention run acts on."""

RETENTION_REASON = "retention_period_ended"


@dataclass(frozen=True, slots=True)
class Stewardship:
    """What the stewardship entries so far say. Immutable: ``with_entry`` returns the next state.

    ``holds`` are those in force, by the entry that placed each; ``erased`` is where each target's erasure stands;
    ``withdrawn`` are the proposals that were taken back; ``approvers`` say whose keys sign approvals. Grows by one
    short key for each erasure, each withdrawal, each approver's key and each hold in force, not with the log.
    """

    holds: Mapping[EntryId, HoldFacts] = field(default_factory=dict)
    proposals: Mapping[EntryId, Proposal] = field(default_factory=dict)
    erased: Mapping[str, Position] = field(default_factory=dict)
    withdrawn: Mapping[EntryId, Withdrawal] = field(default_factory=dict)
    approvers: Approvers = field(default_factory=Approvers)

    def is_held(self, child: ChildRef | None) -> bool:
        """Return whether a hold in force forbids erasing anything about a child."""
        return bool(self.holds_on(child))

    def holds_on(self, child: ChildRef | None) -> tuple[EntryId, ...]:
        """Return the holds in force on a child, by their ids."""
        return tuple(name for name, hold in self.holds.items() if hold.child == child)

    def is_erased(self, child: ChildRef) -> bool:
        """Return whether everything about a child has been erased."""
        return f"{SCOPE_CHILD}:{child}" in self.erased

    def with_entry(self, entry: Entry) -> "Stewardship":
        """Return the state after ``entry``. Raises IntegrityFailure when its facts do not fit its type."""
        return self.with_entries((entry,)) if entry.type in _FOLDS else self

    def with_entries(self, entries: Iterable[Entry]) -> "Stewardship":
        """Return the state after ``entries``, in position order: what is there is copied once, however many."""
        draft = _Draft(self)
        for entry in entries:
            if entry.type in _FOLDS:
                _FOLDS[entry.type](draft, entry)
        return Stewardship(draft.holds.now, draft.proposals.now, draft.erased.now, draft.withdrawn.now, draft.approvers)


class _Draft:
    """A state while entries are folded into it."""

    def __init__(self, before: Stewardship) -> None:
        self.holds, self.proposals = Changing(before.holds), Changing(before.proposals)
        self.erased, self.withdrawn = Changing(before.erased), Changing(before.withdrawn)
        self.approvers = before.approvers


def _hold_placed(draft: _Draft, entry: Entry) -> None:
    draft.holds.put(entry.id, read_facts(entry, HoldFacts))


def _hold_lifted(draft: _Draft, entry: Entry) -> None:
    draft.holds.remove(read_facts(entry, HoldLiftedFacts).hold)


def _erasure_proposed(draft: _Draft, entry: Entry) -> None:
    facts = read_facts(entry, ErasureProposedFacts)
    proposal = Proposal(
        entry.id,
        entry.type,
        facts.authority,
        facts.reason,
        facts.by,
        entry.time,
        leaf_hash(encode_entry(entry)),
        {facts.target.name: facts.target},
    )
    draft.proposals.put(entry.id, proposal)


def _retention_proposed(draft: _Draft, entry: Entry) -> None:
    facts = read_facts(entry, RetentionProposedFacts)
    targets = [Target(SCOPE_CHILD, due.child) for due in facts.due]
    proposal = Proposal(
        entry.id,
        entry.type,
        RETENTION_AUTHORITY,
        RETENTION_REASON,
        facts.by,
        entry.time,
        leaf_hash(encode_entry(entry)),
        {target.name: target for target in targets},
        versions={due.child: due.version for due in facts.due},
    )
    draft.proposals.put(entry.id, proposal)


def _approved(draft: _Draft, entry: Entry) -> None:
    facts = read_facts(entry, ApprovalFacts)
    proposal = draft.proposals.now.get(facts.proposal)
    if proposal is None:
        return
    draft.proposals.put(facts.proposal, replace(proposal, approved_by=(*proposal.approved_by, facts.by)))


def _withdrawn(draft: _Draft, entry: Entry) -> None:
    facts = read_facts(entry, ProposalWithdrawnFacts)
    draft.proposals.remove(facts.proposal)
    draft.withdrawn.put(facts.proposal, Withdrawal(facts.reason, facts.by, entry.time, entry.position))


def _erased(draft: _Draft, entry: Entry) -> None:
    facts = read_facts(entry, ErasureFacts)
    draft.erased.put(facts.target.name, entry.position)
    proposal = draft.proposals.now.get(facts.proposal)
    if proposal is None:
        return
    left = {name: target for name, target in proposal.left.items() if name != facts.target.name}
    if left:
        draft.proposals.put(facts.proposal, replace(proposal, left=left))
    else:
        draft.proposals.remove(facts.proposal)


def _approver_added(draft: _Draft, entry: Entry) -> None:
    if not draft.approvers.must_sign:
        # From here on nothing counts that nobody signed, whenever it was said.
        for name, proposal in tuple(draft.proposals.now.items()):
            draft.proposals.put(name, replace(proposal, approved_by=()))
    draft.approvers = draft.approvers.with_added(entry)


def _approver_revoked(draft: _Draft, entry: Entry) -> None:
    draft.approvers = draft.approvers.with_revoked(entry)


_FOLDS: Mapping[EntryType, Callable[[_Draft, Entry], None]] = {
    EntryType.HOLD_PLACED: _hold_placed,
    EntryType.HOLD_LIFTED: _hold_lifted,
    EntryType.ERASURE_PROPOSED: _erasure_proposed,
    EntryType.ERASURE_APPROVED: _approved,
    EntryType.ERASURE_WITHDRAWN: _withdrawn,
    EntryType.RETENTION_PROPOSED: _retention_proposed,
    EntryType.RETENTION_APPROVED: _approved,
    EntryType.RETENTION_WITHDRAWN: _withdrawn,
    EntryType.ERASURE_RECORDED: _erased,
    EntryType.APPROVER_KEY_ADDED: _approver_added,
    EntryType.APPROVER_KEY_REVOKED: _approver_revoked,
}
