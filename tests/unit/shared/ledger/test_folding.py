"""Folding many entries comes to what folding them one by one does, and copies what was there once."""

import msgspec

from shared.clock import rfc3339
from shared.entries import Entry
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, EntryId, Recipient
from shared.ledger.changing import Changing
from shared.ledger.registry import AgencyFacts, EndpointFacts, KeyFacts, Registry, RevocationFacts, WithdrawalFacts
from shared.ledger.stewardship import (
    SCOPE_CHILD,
    ApprovalFacts,
    ErasureFacts,
    ErasureProposedFacts,
    HoldFacts,
    HoldLiftedFacts,
    ProposalWithdrawnFacts,
    RetentionDue,
    RetentionProposedFacts,
    Stewardship,
    Target,
)
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeLedger

SCHOOL, KEY, NEXT = AgencyId("a-school"), generate_signing_key().public, generate_signing_key().public
NOW = rfc3339(START)


def entries() -> list[Entry]:
    """A school that changes its name, gets two keys, loses one, and takes pushes at one place and then at another."""
    ledger = FakeLedger()

    def add(entry_type: EntryType, facts: msgspec.Struct) -> None:
        ledger.add(entry_type, facts=msgspec.to_builtins(facts))

    for name in ("School", "Academy"):
        add(EntryType.AGENCY_REGISTERED, AgencyFacts(SCHOOL, name, "s11_body", "England", AuthorityCode("E06000005")))
    for key in (KEY, NEXT):
        add(EntryType.AGENCY_KEY_ADDED, KeyFacts(SCHOOL, key.thumbprint, key.jwk(), NOW))
    add(EntryType.AGENCY_KEY_REVOKED, RevocationFacts(KEY.thumbprint, "lost"))
    for name in ("first", "second"):
        endpoint = EndpointFacts(
            name, Recipient(f"agency:{SCHOOL}"), f"https://{name}.example", NEXT.thumbprint, NEXT.jwk()
        )
        add(EntryType.ENDPOINT_REGISTERED, endpoint)
    ledger.add(EntryType.CONTENT_OPENED)
    add(EntryType.ENDPOINT_WITHDRAWN, WithdrawalFacts("first"))
    return ledger.stored


def test_many_entries_come_to_what_they_come_to_one_by_one_and_leave_what_was_before() -> None:
    told = entries()
    for cut in range(len(told) + 1):
        one_by_one = before = Registry().with_entries(told[:cut])
        kept = (dict(before.agencies), dict(before.keys), dict(before.endpoints))
        for entry in told[cut:]:
            one_by_one = one_by_one.with_entry(entry)
        assert before.with_entries(told[cut:]) == one_by_one
        assert (before.agencies, before.keys, before.endpoints) == kept
    assert one_by_one.position == len(told) - 1
    assert [facts.name for facts in one_by_one.agencies.values()] == ["Academy"]
    assert [key.revoked_at is None for key in one_by_one.keys.values()] == [False, True]
    assert [*one_by_one.endpoints] == ["second"]


def stewarded() -> list[Entry]:
    """A hold that comes and goes, an erasure, a run carried out by half and then withdrawn, and one carried on."""
    ledger = FakeLedger()

    def add(entry_type: EntryType, facts: msgspec.Struct) -> EntryId:
        return ledger.add(entry_type, facts=msgspec.to_builtins(facts)).id

    def erase(child: ChildRef, proposal: EntryId) -> None:
        approvers = ("q.harrow", "r.dunmore")
        facts = ErasureFacts(Target(SCOPE_CHILD, child), "ground", "reason", proposal, "p.ellis", approvers, NOW)
        add(EntryType.ERASURE_RECORDED, facts)

    one, two, three = (ChildRef(letter * 32) for letter in "abc")
    hold = add(EntryType.HOLD_PLACED, HoldFacts(one, "ground", "inquiry", "s.vane"))
    add(EntryType.HOLD_LIFTED, HoldLiftedFacts(hold, "over", "s.vane"))
    add(EntryType.HOLD_PLACED, HoldFacts(two, "ground", "inquiry", "s.vane"))
    target = Target(SCOPE_CHILD, one)
    proposal = add(EntryType.ERASURE_PROPOSED, ErasureProposedFacts(target, "ground", "reason", "p.ellis"))
    for by in ("q.harrow", "r.dunmore"):
        add(EntryType.ERASURE_APPROVED, ApprovalFacts(proposal, by))
    erase(one, proposal)
    ledger.add(EntryType.CONTENT_OPENED)
    for is_withdrawn in (True, False):
        due = tuple(RetentionDue(child, 1, "class", "2026-11-01") for child in (two, three))
        run = add(EntryType.RETENTION_PROPOSED, RetentionProposedFacts("ours", NOW, due, "p.ellis"))
        erase(two, run)
        if is_withdrawn:
            add(EntryType.RETENTION_WITHDRAWN, ProposalWithdrawnFacts(run, "asked_in_error", "p.ellis"))
    return ledger.stored


def test_what_is_kept_and_erased_comes_to_the_same_too() -> None:
    told = stewarded()
    for cut in range(len(told) + 1):
        one_by_one = before = Stewardship().with_entries(told[:cut])
        kept = [dict(each) for each in (before.holds, before.proposals, before.erased, before.withdrawn)]
        for entry in told[cut:]:
            one_by_one = one_by_one.with_entry(entry)
        assert before.with_entries(told[cut:]) == one_by_one
        assert [before.holds, before.proposals, before.erased, before.withdrawn] == kept
    assert [hold.child for hold in one_by_one.holds.values()] == ["b" * 32]
    assert [[*proposal.left] for proposal in one_by_one.proposals.values()] == [[f"child:{'c' * 32}"]]
    assert [*one_by_one.erased] == [f"child:{letter * 32}" for letter in "ab"]
    assert len(one_by_one.withdrawn) == 1


def test_what_changes_is_copied_when_it_first_changes_and_never_again() -> None:
    before = {1: "a", 2: "b"}
    changing = Changing(before)
    changing.remove(3)
    assert changing.now is before
    changing.put(1, "A")
    copy = changing.now
    changing.put(4, "d")
    changing.remove(2)
    assert changing.now is copy
    assert (changing.now, before) == ({1: "A", 4: "d"}, {1: "a", 2: "b"})
