"""A log of stewardship entries alone, made in order, and keys whose owners approve and vouch for one another."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

import msgspec

from shared.canonical_json import Json
from shared.entries import Entry, Subject, encode_entry
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.approvers import (
    ApproverKeyFacts,
    ApproverKeyRevokedFacts,
    Signed,
    approval_text,
    sign_text,
    vouching_text,
)
from shared.ledger.stewardship import (
    SCOPE_CHILD,
    ApprovalFacts,
    ErasureFacts,
    ErasureProposedFacts,
    ProposalWithdrawnFacts,
    Stewardship,
    Target,
)
from shared.signatures.keys import SigningKey, ed25519_signing_key
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType

CHILD = ChildRef("c" * 32)
TARGET = Target(SCOPE_CHILD, CHILD)
PROPOSER, FIRST, SECOND, THIRD = "p.ellis", "q.harrow", "r.dunmore", "t.oake"


def key_of(account: str) -> SigningKey:
    """Return the one key that an account has in these tests."""
    return ed25519_signing_key(sha256(account.encode()).digest())


@dataclass
class StewardLog:
    """Entries in order. The first proposal among them is the one that the others speak of."""

    entries: list[Entry] = field(default_factory=list)

    @property
    def proposal(self) -> Entry:
        """The entry that proposes."""
        return next(entry for entry in self.entries if entry.type is EntryType.ERASURE_PROPOSED)

    def add(self, entry_type: EntryType, facts: msgspec.Struct) -> "StewardLog":
        """Add an entry."""
        at = len(self.entries)
        subjects = (Subject(CHILD, 1),) if entry_type is EntryType.ERASURE_RECORDED else ()
        self.entries.append(
            Entry(
                position=Position(at),
                id=EntryId(f"{at:032x}"),
                type=entry_type,
                time=f"2026-11-24T12:00:{at:02}.000000Z",
                facts=msgspec.to_builtins(facts),
                subjects=subjects,
            )
        )
        return self

    def propose(self) -> "StewardLog":
        """Propose to erase the child."""
        return self.add(EntryType.ERASURE_PROPOSED, ErasureProposedFacts(TARGET, "ground", "reason", PROPOSER))

    def approve(self, by: str, *, signed: Signed | None = None) -> "StewardLog":
        """Approve, with a signature or none."""
        return self.add(EntryType.ERASURE_APPROVED, ApprovalFacts(self.proposal.id, by, signed))

    def signature(self, by: str, *, key: str | None = None) -> Signed:
        """Return a signature for approving in an account's name, by that account's key or another's."""
        entry_hash = leaf_hash(encode_entry(self.proposal))
        return sign_text(approval_text(self.proposal.id, entry_hash=entry_hash, by=by), key=key_of(key or by))

    def withdraw(self, by: str = PROPOSER) -> "StewardLog":
        """Take the proposal back."""
        facts = ProposalWithdrawnFacts(self.proposal.id, "asked_in_error", by)
        return self.add(EntryType.ERASURE_WITHDRAWN, facts)

    def erase(self, *, approved_by: tuple[str, ...] = (FIRST, SECOND)) -> "StewardLog":
        """Record the erasure."""
        facts = ErasureFacts(TARGET, "ground", "reason", self.proposal.id, PROPOSER, approved_by, "2026-12-29", THIRD)
        return self.add(EntryType.ERASURE_RECORDED, facts)

    def word(self, account: str, *, by: str) -> Signed:
        """Return somebody's word, as of now, that the account's key is its own."""
        as_of = Stewardship().with_entries(self.entries).approvers.as_of
        return sign_text(vouching_text(account, key_of(account).public.thumbprint, as_of=as_of), key=key_of(by))

    def approver(
        self, account: str, *vouchers: Signed, by: tuple[str, ...] = (), key: SigningKey | None = None
    ) -> "StewardLog":
        """Register an account's key with some words for it, or with those of accounts as of now."""
        public = (key or key_of(account)).public
        words = (*vouchers, *(self.word(account, by=each) for each in by))
        return self.add(
            EntryType.APPROVER_KEY_ADDED,
            ApproverKeyFacts(account, public.thumbprint, public.jwk(), PROPOSER, words),
        )

    def approver_recovered(self, account: str) -> "StewardLog":
        """Register an account's key for which nobody vouches any more."""
        public = key_of(account).public
        facts = ApproverKeyFacts(account, public.thumbprint, public.jwk(), PROPOSER, recovered=True)
        return self.add(EntryType.APPROVER_KEY_ADDED, facts)

    def approver_revoked(self, account: str) -> "StewardLog":
        """Revoke an account's key."""
        facts = ApproverKeyRevokedFacts(key_of(account).public.thumbprint, "lost", PROPOSER)
        return self.add(EntryType.APPROVER_KEY_REVOKED, facts)


def erasing(target: Target) -> dict[str, Json]:
    """Return the facts of an erasure that nobody here asks who approved."""
    facts = ErasureFacts(target, "ground", "reason", EntryId("e" * 32), PROPOSER, (FIRST, SECOND), "2026-12-29", THIRD)
    return cast("dict[str, Json]", msgspec.to_builtins(facts))
