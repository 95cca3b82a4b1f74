"""Holds and erasures are decided one after the other, within a batch as between batches: nothing comes between."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from services.ledger.domain.plan import Becomes, IdentifierToken, Known, Plan, Prepared, Recent, WriterState
from services.ledger.domain.sealing import DataKey, WrappedKey
from services.ledger.domain.sequencing import decide_batch
from shared.errors import ExchangeError
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.approvers import ApproverKeyFacts
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild
from shared.ledger.registry import Registry
from shared.ledger.stewardship import (
    SCOPE_CHILD,
    ApprovalFacts,
    ErasureFacts,
    ErasureProposedFacts,
    HoldFacts,
    Proposal,
    ProposalWithdrawnFacts,
    RetentionDue,
    RetentionProposedFacts,
    Stewardship,
    Target,
)
from shared.transparency.merkle import EMPTY
from shared.vocabulary import EntryType
from tests.machinery.approvals import key_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CHILD, NEW = ChildRef("c" * 32), ChildRef("d" * 32)
TARGET = Target(SCOPE_CHILD, CHILD)
PROPOSAL = EntryId("a" * 32)
APPROVED = Stewardship(
    proposals={
        PROPOSAL: Proposal(
            PROPOSAL,
            EntryType.ERASURE_PROPOSED,
            "ground",
            "reason",
            "p.ellis",
            "2026-11-23T00:00:00Z",
            bytes(32),
            {TARGET.name: TARGET},
            approved_by=("q.harrow", "r.dunmore"),
        )
    }
)
TOKEN = IdentifierToken(b"a traced number", True)


def prepared(
    ordinal: int,
    entry_type: EntryType,
    facts: msgspec.Struct | None = None,
    *,
    known: ChildRef | None = CHILD,
    key: str = CHILD,
    identifiers: tuple[IdentifierToken, ...] = (),
) -> Prepared:
    """Return a request about the child, sealed under the child's key unless said otherwise."""
    name = EntryId(f"{ordinal:032x}")
    return Prepared(
        request=AppendRequest(
            entry_id=name,
            type=entry_type,
            idempotency=Idempotency("s", name, b""),
            answer=Answer(201, {}),
            child=NamedChild(known, None),
            facts=msgspec.to_builtins(facts) if facts is not None else {},
        ),
        answer_token=name.encode(),
        nonce_token=None,
        fingerprint=b"",
        data_key=DataKey(key, b"", WrappedKey("kek", b"")),
        key_is_new=key != CHILD,
        sections=(),
        identifiers=identifiers,
        child_ref=known or NEW,
    )


ERASURE = prepared(
    100,
    EntryType.ERASURE_RECORDED,
    ErasureFacts(TARGET, "ground", "reason", PROPOSAL, "p.ellis", ("q.harrow", "r.dunmore"), "2026-12-29"),
    key=f"{100:032x}",
)
HOLD = prepared(101, EntryType.HOLD_PLACED, HoldFacts(CHILD, "ground", "inquiry", "s.vane"), key=f"{101:032x}")


WITHDRAWAL = prepared(
    102,
    EntryType.ERASURE_WITHDRAWN,
    ProposalWithdrawnFacts(PROPOSAL, "asked_in_error", "p.ellis"),
    known=None,
    key=f"{102:032x}",
)


def decided(*requests: Prepared, stewardship: Stewardship = APPROVED, now: datetime = NOW) -> Plan:
    state = WriterState(EMPTY, NOW, Registry(), stewardship)
    known = Known(versions={CHILD: 7}, identified={TOKEN.token: CHILD})
    return decide_batch(requests, state=state, known=known, recent=Recent(), now=now)


def said(plan: Plan) -> list[str]:
    return ["entry" if isinstance(each, Becomes) else getattr(each, "code", "?") for each in plan.outcomes]


def test_whichever_comes_first_in_a_batch_counts_the_hold_or_the_erasure() -> None:
    assert said(decided(HOLD, ERASURE)) == ["entry", "child-on-hold"]
    assert said(decided(ERASURE, HOLD)) == ["entry", "already-erased"]
    assert said(decided(ERASURE, replace(ERASURE, answer_token=b"again"))) == ["entry", "already-erased"]


@pytest.mark.parametrize(
    ("entry_type", "outcome"),
    [
        (EntryType.SHARE_RECORDED, "version-conflict"),
        (EntryType.WHEREABOUTS_REPORTED, "version-conflict"),
        (EntryType.NOTIFICATION_RECEIVED, "unavailable"),
        (EntryType.CONTENT_OPENED, "unavailable"),
    ],
)
def test_nothing_is_stored_under_a_key_that_was_destroyed_a_moment_ago(entry_type: EntryType, outcome: str) -> None:
    late = prepared(1, entry_type)
    assert said(decided(late, ERASURE)) == ["entry", "entry"]
    assert said(decided(ERASURE, late)) == ["entry", outcome]
    assert said(decided(late, stewardship=decided(ERASURE).stewardship)) == [outcome]


@pytest.mark.parametrize(
    ("entry_type", "outcome"),
    [
        (EntryType.SHARE_RECORDED, "version-conflict"),
        (EntryType.CONTENT_OPENED, "not-found"),
        (EntryType.NOTIFICATION_RECEIVED, "entry"),
        (EntryType.QUEUE_RESOLVED, "entry"),
    ],
)
def test_after_an_erasure_only_what_carries_an_obligation_on_names_the_child(
    entry_type: EntryType, outcome: str
) -> None:
    sealed_by_itself = prepared(1, entry_type, key=f"{1:032x}")
    assert said(decided(sealed_by_itself, stewardship=decided(ERASURE).stewardship)) == [outcome]


def test_a_look_that_opened_what_was_erased_meanwhile_shows_nothing_and_one_that_opened_nothing_may() -> None:
    look = prepared(1, EntryType.CHRONOLOGY_READ, key=f"{1:032x}")
    opened = replace(look, request=replace(look.request, causes=(EntryId("5" * 32),)))
    erased = decided(ERASURE).stewardship
    assert said(decided(opened, stewardship=erased)) == ["unavailable"]
    assert said(decided(look, stewardship=erased)) == ["entry"]


def test_a_key_that_is_gone_without_an_erasure_stops_what_would_be_written() -> None:
    assert said(decided(prepared(1, EntryType.SHARE_RECORDED, key=f"{1:032x}"))) == ["integrity-failure"]


def test_who_comes_back_is_a_new_child_with_look_up_hashes_of_its_own() -> None:
    back = prepared(1, EntryType.SHARE_RECORDED, known=None, key=NEW, identifiers=(TOKEN,))
    assert said(decided(ERASURE, back)) == ["entry", "version-conflict"]
    # The look-up was made before the erasure was committed and still names the erased child.
    after = decided(back, stewardship=decided(ERASURE).stewardship)
    assert said(after) == ["entry"]
    assert after.entries[0].new_identifiers == (TOKEN,)
    assert after.entries[0].entry.subjects[0].ref == NEW


@pytest.mark.parametrize(
    "claim", [{"approved_by": ("q.harrow", "x.else")}, {"authority": "other"}, {"proposed_by": "x.else"}]
)
def test_an_erasure_cannot_claim_other_approvers_or_grounds(claim: dict[str, object]) -> None:
    facts = {**ERASURE.request.facts, **claim}
    lying = replace(ERASURE, request=replace(ERASURE.request, facts=facts))
    outcome = decided(lying).outcomes[0]
    assert isinstance(outcome, ExchangeError)
    assert outcome.code == "invalid-input"


def test_erased_is_known_by_its_position_after_a_replay() -> None:
    erased = decided(ERASURE).stewardship
    assert erased.erased == {TARGET.name: Position(0)}
    assert erased.is_erased(CHILD)
    assert not erased.proposals


@pytest.mark.parametrize(
    ("as_at", "outcome"), [("2027-03-31", "entry"), ("2027-04-01", "entry"), ("2027-04-02", "invalid-input")]
)
def test_a_run_is_of_the_day_that_it_is_in_the_united_kingdom(as_at: str, outcome: str) -> None:
    due = (RetentionDue(CHILD, 7, "early_help", "2027-03-31"),)
    run = prepared(1, EntryType.RETENTION_PROPOSED, RetentionProposedFacts("schedule", as_at, due, "p.ellis"))
    half_past_midnight_there = datetime(2027, 3, 31, 23, 30, tzinfo=UTC)
    assert said(decided(run, stewardship=Stewardship(), now=half_past_midnight_there)) == [outcome]


def test_what_was_withdrawn_a_moment_ago_is_neither_erased_nor_approved_nor_withdrawn_again() -> None:
    approval = prepared(103, EntryType.ERASURE_APPROVED, ApprovalFacts(PROPOSAL, "t.oake"), key=f"{103:032x}")
    again = replace(WITHDRAWAL, answer_token=b"again")
    plan = decided(WITHDRAWAL, ERASURE, approval, again)
    assert said(plan) == ["entry", *["proposal-withdrawn"] * 3]
    assert not plan.stewardship.erased
    assert plan.stewardship.withdrawn[PROPOSAL].by == "p.ellis"


def test_the_first_approvers_key_makes_what_was_approved_by_name_alone_count_no_more() -> None:
    public = key_of("q.harrow").public
    key = prepared(
        105,
        EntryType.APPROVER_KEY_ADDED,
        ApproverKeyFacts("q.harrow", public.thumbprint, public.jwk(), "p.ellis"),
        known=None,
        key=f"{105:032x}",
    )
    assert said(decided(key, ERASURE)) == ["entry", "not-approved"]
    assert said(decided(ERASURE, key)) == ["entry", "entry"]


def test_what_is_erased_already_cannot_be_withdrawn() -> None:
    assert said(decided(ERASURE, WITHDRAWAL)) == ["entry", "not-found"]


def test_what_was_withdrawn_may_be_proposed_again_and_needs_its_approvals_anew() -> None:
    proposed = prepared(
        104, EntryType.ERASURE_PROPOSED, ErasureProposedFacts(TARGET, "ground", "reason", "p.ellis"), key=f"{104:032x}"
    )
    plan = decided(WITHDRAWAL, proposed)
    assert said(plan) == ["entry", "entry"]
    assert plan.stewardship.proposals[proposed.request.entry_id].approved_by == ()


def test_a_withdrawal_says_why_by_codes_and_is_of_the_proposals_kind() -> None:
    named = {**WITHDRAWAL.request.facts, "by": "Ada Thorne"}
    run = replace(WITHDRAWAL.request, type=EntryType.RETENTION_WITHDRAWN)
    for wrong in (replace(WITHDRAWAL.request, facts=named), run):
        assert said(decided(replace(WITHDRAWAL, request=wrong))) == ["invalid-input"]
