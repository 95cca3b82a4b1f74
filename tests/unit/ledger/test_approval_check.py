"""An audit holds every erasure against what was proposed, approved, signed and withdrawn before it."""

import pytest
from msgspec.structs import replace

from services.ledger.audit.approvals import ApprovalCheck
from services.ledger.audit.findings import Finding, FindingKind, Report
from services.ledger.domain.approving import NotVouchedFor, check_recovery
from shared.errors import ExchangeError
from shared.identifiers import EntryId
from shared.ledger.approvers import Signed, approval_text, parse_signed, sign_text, vouching_text
from shared.ledger.messages import Answer, AppendRequest, Idempotency
from shared.ledger.stewardship import Stewardship
from shared.signatures.keys import Algorithm, generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.approvals import FIRST, PROPOSER, SECOND, THIRD, StewardLog, key_of


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
    return StewardLog().approver(FIRST).approver(SECOND, by=(FIRST,)).propose()


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


def test_what_was_approved_by_name_alone_counts_no_more_once_there_are_keys() -> None:
    before = StewardLog().propose().approve(FIRST).approve(SECOND)
    keys = before.approver(FIRST).approver(SECOND, by=(FIRST,))
    assert wrong(keys.erase()) == [5]
    for signed in (FIRST, THIRD):
        mixed = StewardLog().propose().approve("x.anybody").approver(FIRST).approver(THIRD, by=(FIRST,))
        mixed.approve(signed, signed=mixed.signature(signed))
        assert wrong(mixed.erase(approved_by=("x.anybody", signed))) == [5]


def test_who_approved_by_name_alone_may_sign_it_once_there_are_keys() -> None:
    log = StewardLog().propose().approve(FIRST).approver(FIRST).approver(SECOND, by=(FIRST,))
    for by in (FIRST, SECOND):
        log.approve(by, signed=log.signature(by))
    assert findings(log.erase()) == []


def test_what_was_erased_before_there_were_keys_stays_approved() -> None:
    log = StewardLog().propose().approve(FIRST).approve(SECOND).erase()
    assert findings(log.approver(FIRST).approver(SECOND, by=(FIRST,))) == []


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
    assert wrong(two_approvers().approver_revoked(FIRST).approver(THIRD, by=(FIRST, SECOND))) == [4]
    assert findings(signed_by_both().approver_revoked(FIRST).erase()) == []


def test_two_approvers_let_a_third_in_and_neither_alone_nor_anybody_else() -> None:
    assert findings(two_approvers().approver(THIRD, by=(FIRST, SECOND))) == []
    for too_few in ((), (FIRST,), (FIRST, FIRST), (THIRD, FIRST)):
        assert wrong(two_approvers().approver(THIRD, by=too_few)) == [3]
    assert wrong(StewardLog().approver(FIRST).approver(SECOND)) == [1]


def test_nobody_vouches_twice_with_one_key_or_with_two() -> None:
    assert wrong(StewardLog().approver(FIRST).approver(SECOND, by=(FIRST, FIRST))) == [1]
    log = StewardLog().approver(FIRST)
    other = generate_signing_key()
    as_of = Stewardship().with_entries(log.entries).approvers.as_of
    log.approver(
        FIRST,
        sign_text(vouching_text(FIRST, other.public.thumbprint, as_of=as_of), key=key_of(FIRST)),
        key=other,
    )
    as_of = Stewardship().with_entries(log.entries).approvers.as_of
    text = vouching_text(SECOND, key_of(SECOND).public.thumbprint, as_of=as_of)
    both = [sign_text(text, key=key) for key in (key_of(FIRST), other)]
    (finding,) = findings(log.approver(SECOND, *both))
    assert (finding.first_position, "an approver vouches twice" in finding.detail) == (2, True)


def test_a_word_for_one_account_is_none_for_another() -> None:
    mallory, log = generate_signing_key(), StewardLog().approver(FIRST)
    assert wrong(log.approver(SECOND, log.word(SECOND, by=FIRST), key=mallory)) == [1]
    log = StewardLog().approver(FIRST)
    assert wrong(log.approver(THIRD, log.word(SECOND, by=FIRST))) == [1]


def test_a_word_is_for_one_log_and_until_anybody_joins_or_leaves() -> None:
    elsewhere = StewardLog().propose().approver(FIRST)
    assert wrong(StewardLog().approver(FIRST).approver(SECOND, elsewhere.word(SECOND, by=FIRST))) == [1]
    log = two_approvers()
    words = [log.word("s.vane", by=by) for by in (FIRST, SECOND)]
    assert findings(two_approvers().approver("s.vane", *words)) == []
    assert wrong(log.approver(THIRD, by=(FIRST, SECOND)).approver("s.vane", *words)) == [4]
    assert wrong(two_approvers().approver_revoked(FIRST).approver("s.vane", words[1])) == [4]


def test_revoking_keys_makes_none_easier_to_add() -> None:
    log = two_approvers().approver_revoked(SECOND)
    assert wrong(log.approver(THIRD, by=(FIRST,))) == [4]
    assert wrong(two_approvers().approver_revoked(FIRST).approver_revoked(SECOND).approver(THIRD)) == [5]


def test_where_too_few_are_left_a_key_is_recovered_and_the_entry_says_so() -> None:
    log = two_approvers().approver_revoked(SECOND)
    assert findings(log.approver_recovered(THIRD)) == []
    recovered = Stewardship().with_entries(log.entries).approvers.in_force(key_of(THIRD).public.thumbprint)
    assert recovered is not None
    assert (recovered.recovered, recovered.vouched_by) == (True, ())
    assert findings(log.approver("s.vane", by=(FIRST, THIRD))) == []
    assert wrong(two_approvers().approver_revoked(SECOND).approver_recovered(SECOND)) == [4], "it is not had back"


def test_the_door_lets_only_those_keys_be_recovered_that_the_ledger_was_started_to_let_in() -> None:
    named, facts = key_of(THIRD).public.thumbprint, dict(StewardLog().approver_recovered(THIRD).entries[0].facts)
    request = AppendRequest(
        entry_id=EntryId("a" * 32),
        type=EntryType.APPROVER_KEY_ADDED,
        idempotency=Idempotency("service:operator", "a", b""),
        answer=Answer(201, {}),
        facts=facts,
    )
    check_recovery(request, may_recover={named})
    check_recovery(replace(request, facts={**facts, "recovered": False}), may_recover=())
    for may_recover, said in (((), True), ({key_of(SECOND).public.thumbprint}, True), ((), 1)):
        with pytest.raises(NotVouchedFor):
            check_recovery(replace(request, facts={**facts, "recovered": said}), may_recover=may_recover)


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
    assert vouching_text(FIRST, thumbprint, as_of=bytes(32)) == (
        b"safeguarding-exchange/approver-vouching/v1\naccount: q.harrow\nkey: %s\nas of: %s\n"
        % (thumbprint.encode(), b"0" * 64)
    )
    signed = log.signature(FIRST)
    assert parse_signed(signed.text() + "\n") == signed
    for wrong_line in ("", thumbprint, f".{signed.signature}", signed.text()[:-1], signed.text() + "A"):
        with pytest.raises(ExchangeError):
            parse_signed(wrong_line)
