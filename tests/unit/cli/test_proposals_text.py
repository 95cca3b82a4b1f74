"""The list of proposals says what each would erase, who has approved it, what it lacks, and how old it is."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace as changed

from cli.proposals_text import proposals_text
from shared.clock import rfc3339
from shared.identifiers import ChildRef, EntryId, KeyThumbprint, Position
from shared.ledger.approvers import ApproverKey, Approvers
from shared.ledger.stewardship import (
    SCOPE_CHILD,
    SCOPE_ENTRY,
    HoldFacts,
    Proposal,
    Stewardship,
    Target,
    Withdrawal,
)
from shared.vocabulary import EntryType

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CHILD, PROPOSAL = ChildRef("c" * 32), EntryId("a" * 32)
TARGET = Target(SCOPE_CHILD, CHILD)


def listed(
    *targets: Target,
    approved_by: tuple[str, ...] = (),
    kind: EntryType = EntryType.ERASURE_PROPOSED,
    age: timedelta = timedelta(),
    held: bool = False,
    keys: tuple[KeyThumbprint, ...] = (),
) -> str:
    """Return the list of one open proposal."""
    proposal = Proposal(
        PROPOSAL,
        kind,
        "uk_gdpr_art_17_1_b",
        "consent_withdrawn",
        "p.ellis",
        rfc3339(NOW - age),
        bytes(32),
        {target.name: target for target in targets},
        approved_by=approved_by,
    )
    approvers = Approvers({key: ApproverKey("q.harrow", {}, Position(3), ()) for key in keys})
    holds = {EntryId("b" * 32): HoldFacts(CHILD, "inquiries_act_2005_s21", "inquiry", "s.vane")} if held else {}
    state = Stewardship(holds=holds, proposals={PROPOSAL: proposal}, approvers=approvers)
    return "\n".join(proposals_text(state, now=NOW))


def test_what_nobody_has_approved_says_what_it_would_erase_and_whose_approval_it_needs() -> None:
    said = listed(TARGET)
    assert said.startswith("1 open, 0 erased, 0 withdrawn\n")
    assert f"would erase: all that is known of child {CHILD}" in said
    assert "ground uk_gdpr_art_17_1_b, reason consent_withdrawn" in said
    assert "approved by: nobody" in said
    assert f"missing: 2 approvals, not by p.ellis. Next: exchange erasure approve {PROPOSAL}" in said
    assert "held" not in said


def test_with_each_approval_less_is_missing() -> None:
    assert "missing: 1 approval, not by p.ellis or q.harrow." in listed(TARGET, approved_by=("q.harrow",))
    said = listed(TARGET, approved_by=("q.harrow", "r.dunmore"))
    assert "approved by: q.harrow, r.dunmore" in said
    assert f"missing: nothing. Next: exchange erasure carry-out {PROPOSAL}" in said


def test_where_approvals_are_signed_it_says_which_are_and_asks_for_signed_ones() -> None:
    keys = (KeyThumbprint("k" * 43),)
    assert "approved by: s.vane (signed), q.harrow (signed)\n" in listed(
        TARGET, approved_by=("s.vane", "q.harrow"), keys=keys
    )
    said = listed(TARGET, keys=keys)
    assert "missing: 2 signed approvals, not by p.ellis. Next: exchange erasure approve" in said
    assert said.endswith("--by … --signed …")


def test_a_run_is_approved_by_its_own_command_and_counts_its_children() -> None:
    other = changed(TARGET, child=ChildRef("d" * 32))
    said = listed(TARGET, other, kind=EntryType.RETENTION_PROPOSED)
    assert "retention run proposed" in said
    assert "would erase: 2 children" in said
    assert f"exchange retention approve {PROPOSAL}" in said


def test_one_entry_is_named_with_whom_it_is_about() -> None:
    entry = EntryId("e" * 32)
    assert f"entry {entry} about child {CHILD}" in listed(Target(SCOPE_ENTRY, CHILD, entry))
    assert f"would erase: entry {entry}\n" in listed(Target(SCOPE_ENTRY, None, entry))


def test_a_hold_that_stops_it_is_named() -> None:
    assert f"held: nothing under {'b' * 32} is erased" in listed(TARGET, held=True)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=59), "0 minutes"),
        (timedelta(seconds=-5), "0 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "1 hour"),
        (timedelta(hours=47), "1 day"),
        (timedelta(days=40), "40 days"),
    ],
)
def test_the_age_is_in_the_largest_unit_that_is_full(age: timedelta, said: str) -> None:
    assert f"by p.ellis, {said} ago" in listed(TARGET, age=age)


def test_what_was_withdrawn_says_by_whom_and_why() -> None:
    state = Stewardship(withdrawn={PROPOSAL: Withdrawal("asked_in_error", "p.ellis", rfc3339(NOW), Position(7))})
    said = list(proposals_text(state, now=NOW))
    assert said[0] == "0 open, 0 erased, 1 withdrawn"
    assert said[1] == f"{PROPOSAL}  withdrawn {rfc3339(NOW)} by p.ellis: asked_in_error"
