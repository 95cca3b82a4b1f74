"""An audit holds every erasure against what was proposed, approved, signed and withdrawn before it."""

import pytest

from services.ledger.audit.approvals import ApprovalCheck
from services.ledger.audit.findings import Finding, FindingKind, Report
from shared.errors import ExchangeError
from shared.ledger.approvers import Signed, approval_text, parse_signed, vouching_text
from shared.signatures.keys import Algorithm, generate_signing_key
from tests.machinery.approvals import FIRST, PROPOSER, SECOND, THIRD, StewardLog, key_of, vouched


def findings(log: StewardLog) -> list[Finding]:
    report = Report()
    check = ApprovalCheck(report)
    for entry in log.entries:
        check.check(entry, at=entry.position)
    assert {finding.kind for finding in report.findings} <= {FindingKind.ERASURE_NOT_APPROVED}
    return report.findings


def wrong(log: StewardLog) -> list[int]:
    """Return the positions at which something is found."""
    return [finding.first_position for finding in findings(log)]


def two_approvers() -> StewardLog:
    """Return a log in which two approvers have keys, the second vouched for by the first, and something is proposed."""
    return StewardLog().approver(FIRST).approver(SECOND, vouched(SECOND, by=FIRST)).propose()


def signed_by_both() -> StewardLog:
    log = two_approvers()
    for by in (FIRST, SECOND):
        log.approve(by, signed=log.signature(by))
    return log


def test_an_erasure_that_two_others_approved_is_no_finding() -> None:
    assert findings(StewardLog().propose().approve(FIRST).approve(SECOND).erase()) == []


def test_an_erasure_after_its_proposal_was_withdrawn_is_found() -> None:
    (finding,) = findings(StewardLog().propose().approve(FIRST).approve(SECOND).withdraw().erase())
    assert finding.first_position == 4
    assert f"was withdrawn by {PROPOSER} (entry 3): asked_in_error" in finding.detail


def test_an_approval_of_what_was_withdrawn_is_found_and_so_is_an_erasure_that_one_alone_approved() -> None:
    assert wrong(StewardLog().propose().approve(FIRST).withdraw().approve(SECOND).erase()) == [3, 4]
    assert wrong(StewardLog().propose().approve(FIRST).erase(approved_by=(FIRST,))) == [2]


def test_an_erasure_that_two_keys_approved_is_no_finding() -> None:
    assert findings(signed_by_both().erase()) == []


def test_once_there_are_keys_a_name_alone_approves_nothing_whatever_becomes_of_them() -> None:
    assert wrong(two_approvers().approve(FIRST).approve(SECOND).erase()) == [3, 4, 5]
    revoked = two_approvers().approver_revoked(FIRST).approver_revoked(SECOND)
    assert wrong(revoked.approve("x.else").approve("y.else").erase(approved_by=("x.else", "y.else"))) == [5, 6, 7]


@pytest.mark.parametrize("forged", ["by another's key", "another's approval", "of another proposal", "not at all"])
def test_a_signature_is_by_the_approvers_own_key_over_this_very_proposal(forged: str) -> None:
    log = two_approvers()
    other = StewardLog().propose()
    signed = {
        "by another's key": log.signature(FIRST, key=SECOND),
        "another's approval": log.signature(SECOND),
        "of another proposal": other.signature(FIRST),
        "not at all": Signed(key_of(FIRST).public.thumbprint, "A" * 86),
    }[forged]
    assert wrong(log.approve(FIRST, signed=signed)) == [3]


def test_a_revoked_key_approves_and_vouches_no_more_and_what_it_approved_before_stays() -> None:
    log = two_approvers().approver_revoked(FIRST)
    assert wrong(log.approve(FIRST, signed=log.signature(FIRST))) == [4]
    assert wrong(two_approvers().approver_revoked(FIRST).approver(THIRD, vouched(THIRD, by=FIRST))) == [4]
    assert findings(signed_by_both().approver_revoked(FIRST).erase()) == []


def test_two_approvers_let_a_third_in_and_neither_alone_nor_anybody_else() -> None:
    both = (vouched(THIRD, by=FIRST), vouched(THIRD, by=SECOND))
    assert findings(two_approvers().approver(THIRD, *both)) == []
    for too_few in ((), both[:1], (both[0], both[0]), (vouched(THIRD, by=THIRD), both[0])):
        assert wrong(two_approvers().approver(THIRD, *too_few)) == [3]
    assert wrong(StewardLog().approver(FIRST).approver(SECOND)) == [1]


def test_a_word_for_one_account_is_none_for_another() -> None:
    mallory = generate_signing_key()
    assert wrong(StewardLog().approver(FIRST).approver(SECOND, vouched(SECOND, by=FIRST), key=mallory)) == [1]
    assert wrong(StewardLog().approver(FIRST).approver(THIRD, vouched(SECOND, by=FIRST))) == [1]


def test_a_lost_key_is_replaced_by_the_word_of_who_is_left() -> None:
    log = two_approvers().approver_revoked(SECOND)
    assert wrong(log.approver(SECOND, vouched(SECOND, by=FIRST))) == [4], "the lost key is not had back"
    assert findings(two_approvers().approver_revoked(SECOND).approver(THIRD, vouched(THIRD, by=FIRST))) == []


def test_a_key_has_one_owner_and_may_be_of_either_kind() -> None:
    assert wrong(StewardLog().approver(FIRST).approver(SECOND, key=key_of(FIRST))) == [1]
    assert findings(StewardLog().approver(FIRST, key=generate_signing_key(Algorithm.ECDSA_P256_SHA256))) == []


def test_a_signature_where_no_key_is_registered_proves_nothing() -> None:
    log = StewardLog().propose()
    assert wrong(log.approve(FIRST, signed=log.signature(FIRST))) == [1]


def test_facts_of_earlier_releases_say_nothing_of_a_signature_and_still_verify() -> None:
    log = StewardLog().propose().approve(FIRST).approve(SECOND)
    for at in (1, 2):
        assert log.entries[at].facts.pop("signed", "nothing") is None  # type: ignore[attr-defined]
    assert findings(log.erase()) == []


@pytest.mark.parametrize(
    "facts", [{"signed": "x"}, {"signed": {"key": "k"}}, {"signed": {"key": "k", "signature": ""}}]
)
def test_a_misshapen_signature_is_a_finding_and_no_fault(facts: dict[str, object]) -> None:
    log = two_approvers().approve(FIRST)
    log.entries[3].facts.update(facts)  # type: ignore[attr-defined]
    assert wrong(log) == [3]


def test_what_an_approver_signs_is_these_bytes() -> None:
    log = StewardLog().propose()
    text = approval_text(log.proposal.id, entry_hash=bytes(32), by=FIRST)
    assert text == (
        b"safeguarding-exchange/erasure-approval/v1\nproposal: %032x\nentry: %s\nby: q.harrow\n" % (0, b"0" * 64)
    )
    thumbprint = key_of(FIRST).public.thumbprint
    assert vouching_text(FIRST, thumbprint) == (
        b"safeguarding-exchange/approver-vouching/v1\naccount: q.harrow\nkey: %s\n" % thumbprint.encode()
    )
    signed = log.signature(FIRST)
    assert parse_signed(signed.text() + "\n") == signed
    for wrong_line in ("", thumbprint, f".{signed.signature}", signed.text()[:-1], signed.text() + "A"):
        with pytest.raises(ExchangeError):
            parse_signed(wrong_line)
