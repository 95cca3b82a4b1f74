"""Who hears of an amendment, by when, and what a correction changes about who must be told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.gateway.domain.amending import Amended, NotYourRecord, check_may_amend, check_readable, plan_amendment
from services.gateway.domain.amendment import (
    Amendment,
    ConsentWithdrawalRecord,
    DisputeRecord,
    RetractionRecord,
    ShareCorrectionRecord,
    WhereaboutsCorrectionRecord,
    WithholdingCorrectionRecord,
)
from services.gateway.domain.law import law_of_the_day
from services.gateway.domain.placing import Directories
from services.gateway.domain.planning import Circumstances, Plan
from services.gateway.domain.record import Child, Concern, Place, ShareRecord, WithholdingRecord
from services.gateway.domain.sharing import NothingSaid
from shared.entries import Obligation, RoleFact
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, EntryId, Recipient
from shared.ledger.messages import ResolvedChild
from shared.ledger.registry import AgencyFacts
from shared.reference.authorities import load_register
from shared.reference.postcodes import load_postcodes
from shared.reference.rules import RecordKind, load_rules
from shared.vocabulary import EntryType, Level

REGISTER = load_register()
DIRECTORIES = Directories(REGISTER, load_postcodes(REGISTER))
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
DARLINGTON, DURHAM = Recipient("authority:E06000005"), Recipient("authority:E06000047")
QUEUE = Recipient("queue:routing")
SCHOOL = AgencyFacts(
    AgencyId("a-school"), "A school", "designated_education_childcare", "England", AuthorityCode("E06000005")
)
CLINIC = AgencyFacts(AgencyId("a-clinic"), "A clinic", "s11_body", "England", None)
DARLINGTON_CSC = AgencyFacts(AgencyId("csc"), "Darlington", "s11_body", "England", None, acts_for=DARLINGTON)
AMENDED = Amended(EntryId("a" * 32), RecordKind.SHARE, SCHOOL.agency, Level.CHILD_IN_NEED, (DARLINGTON, QUEUE))
KNOWN = ResolvedChild(ChildRef("c" * 32), 1, (RoleFact("living_at", AuthorityCode("E06000005")),), ())


def planned(
    record: Amendment, *, by: AgencyFacts = SCHOOL, of: Amended = AMENDED
) -> tuple[Plan, dict[str, Obligation]]:
    plan = plan_amendment(
        record, Circumstances(by, KNOWN, DIRECTORIES, NOW, law_of_the_day(None, now=NOW), load_rules()), of
    )
    return plan, {each.recipient: each for each in plan.book.obligations(EntryId("b" * 32))}


@pytest.mark.parametrize(
    ("record", "entry_type", "reason"),
    [
        (
            ShareCorrectionRecord(members=ShareRecord(rationale="x"), why="y"),
            EntryType.RECORD_CORRECTED,
            "corrects_what_you_were_told",
        ),
        (RetractionRecord(reason="wrong_child"), EntryType.RECORD_RETRACTED, "retracts_what_you_were_told"),
        (DisputeRecord(statement="not so"), EntryType.RECORD_DISPUTED, "disputes_what_you_were_told"),
        (
            ConsentWithdrawalRecord(whose="child"),
            EntryType.CONSENT_WITHDRAWN,
            "consent_withdrawn_for_what_you_were_told",
        ),
    ],
)
def test_everybody_who_was_told_is_told_within_a_working_day(
    record: Amendment, entry_type: EntryType, reason: str
) -> None:
    plan, told = planned(record)
    assert plan.type is entry_type
    assert set(told) == {DARLINGTON, QUEUE}
    assert {each.reasons for each in told.values()} == {(reason,)}
    assert {each.due_at for each in told.values()} == {"2026-11-25T17:00:00.000000Z"}


def test_another_agencys_dispute_is_told_to_whose_record_it_is() -> None:
    _, told = planned(DisputeRecord(statement="not so", on_behalf_of="child"), by=DARLINGTON_CSC)
    assert told[Recipient("agency:a-school")].reasons == ("your_record",)


@pytest.mark.parametrize(("kind", "hears"), [(RecordKind.SHARE, False), (RecordKind.WITHHOLDING, True)])
def test_who_amends_is_not_told_of_it_but_its_lead_is_of_what_it_withholds(kind: RecordKind, *, hears: bool) -> None:
    """It was told of its own record when somebody disputed it, or when nobody answered."""
    own = Recipient("agency:a-school")
    _, told = planned(RetractionRecord(reason="wrong_child"), of=replace(AMENDED, kind=kind, told=(DARLINGTON, own)))
    assert (own in told) is hears
    assert DARLINGTON in told


def test_a_corrected_place_adds_the_authority_there_and_drops_nobody() -> None:
    elsewhere = ShareRecord(child=Child(address=Place(authority="E06000047")))
    plan, told = planned(ShareCorrectionRecord(members=elsewhere, why="moved"))
    assert set(told) == {DARLINGTON, QUEUE, DURHAM}
    assert told[DURHAM].reasons == ("lives_in_area",)
    assert plan.facts["level"] == "child_in_need"
    assert not [code for code in plan.advice if code.endswith("-missing") and code != "practitioner-missing"]


def test_a_higher_level_is_told_as_fast_as_it_demands_and_to_the_police() -> None:
    plan, told = planned(ShareCorrectionRecord(members=ShareRecord(concern=Concern(level="immediate_danger"))))
    assert {told[recipient].due_at for recipient in (DARLINGTON, QUEUE)} == {"2026-11-24T11:00:00.000000Z"}
    assert [recipient for recipient in told if recipient.startswith("police:")]
    assert (plan.facts["level_before"], plan.facts["level"]) == ("child_in_need", "immediate_danger")


def test_a_lower_level_takes_nobody_out() -> None:
    _, told = planned(ShareCorrectionRecord(record=ShareRecord(concern=Concern(level="early_help"))))
    assert set(told) >= {DARLINGTON, QUEUE}


def test_a_whole_record_without_a_level_keeps_the_level_it_had() -> None:
    plan, _ = planned(ShareCorrectionRecord(record=ShareRecord(rationale="x")))
    assert plan.facts["level"] == "child_in_need"


def test_a_corrected_withholding_whose_reason_is_none_is_challenged_again() -> None:
    plan, told = planned(WithholdingCorrectionRecord(record=WithholdingRecord(reasons=("gdpr",), rationale="x")))
    assert plan.challenges == ["challenge-gdpr"]
    assert "withholding_challenged" in told[Recipient("agency:a-school")].reasons


def test_a_withdrawal_of_consent_undoes_nothing_and_says_so() -> None:
    plan, _ = planned(ConsentWithdrawalRecord(whose="parent_or_carer", statement="no longer"))
    assert plan.advice == ["consent-withdrawn-share-stands", "practitioner-missing"]
    assert plan.facts["whose"] == "parent_or_carer"


def test_what_changes_or_disputes_nothing_is_refused_and_nothing_else_is() -> None:
    for empty in (
        ShareCorrectionRecord(),
        WithholdingCorrectionRecord(),
        WhereaboutsCorrectionRecord(),
        DisputeRecord(),
    ):
        with pytest.raises(NothingSaid):
            check_readable(empty)
    check_readable(RetractionRecord())
    check_readable(ConsentWithdrawalRecord())


def test_only_the_recorder_corrects_and_only_who_was_told_disputes() -> None:
    for entry_type in (EntryType.RECORD_CORRECTED, EntryType.RECORD_RETRACTED):
        check_may_amend(entry_type, SCHOOL, AMENDED)
        with pytest.raises(NotYourRecord):
            check_may_amend(entry_type, DARLINGTON_CSC, AMENDED)
    for entry_type in (EntryType.RECORD_DISPUTED, EntryType.CONSENT_WITHDRAWN):
        check_may_amend(entry_type, SCHOOL, AMENDED)
        check_may_amend(entry_type, DARLINGTON_CSC, AMENDED)
        with pytest.raises(NotYourRecord):
            check_may_amend(entry_type, CLINIC, AMENDED)
