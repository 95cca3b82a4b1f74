"""A correction or a dispute is an entry about an earlier one: the earlier stands, and a replay shows both."""

import pytest

from services.ledger.audit.replay import ReplayedState
from services.ledger.domain.superseding import check_superseding, superseded_by
from shared.entries import Entry, Subject
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import AgencyId, ChildRef, EntryId, Position
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild
from shared.vocabulary import EntryType

CHILD, OTHER = ChildRef("c" * 32), ChildRef("d" * 32)
SCHOOL, CLINIC = AgencyId("a-school"), AgencyId("a-clinic")


def entry(
    position: int,
    entry_type: EntryType = EntryType.SHARE_RECORDED,
    *,
    agency: AgencyId = SCHOOL,
    child: ChildRef = CHILD,
    cause: int | None = None,
) -> Entry:
    return Entry(
        position=Position(position),
        id=EntryId(f"{position:032x}"),
        type=entry_type,
        time="2026-11-24T10:00:00.000000Z",
        agency=agency,
        subjects=(Subject(child, position + 1),),
        causes=(EntryId(f"{cause:032x}"),) if cause is not None else (),
    )


def request(
    entry_type: EntryType, *, agency: AgencyId = SCHOOL, child: ChildRef | None = CHILD, causes: int = 1
) -> AppendRequest:
    return AppendRequest(
        entry_id=EntryId("f" * 32),
        type=entry_type,
        idempotency=Idempotency(f"agency:{agency}", "k", b""),
        answer=Answer(201, {}),
        agency=agency,
        child=NamedChild(child, None) if child is not None else None,
        causes=tuple(EntryId(f"{cause:032x}") for cause in range(causes)),
    )


def test_the_agency_that_recorded_corrects_and_any_agency_disputes() -> None:
    record = entry(0)
    assert superseded_by(request(EntryType.RECORD_CORRECTED)) == record.id
    check_superseding(request(EntryType.RECORD_CORRECTED), record)
    check_superseding(request(EntryType.RECORD_DISPUTED, agency=CLINIC), record)
    with pytest.raises(NotPermitted):
        check_superseding(request(EntryType.RECORD_CORRECTED, agency=CLINIC), record)


def test_it_names_one_record_of_an_agency_about_the_same_child() -> None:
    for bad in (
        request(EntryType.RECORD_DISPUTED, causes=0),
        request(EntryType.RECORD_DISPUTED, causes=2),
        request(EntryType.RECORD_DISPUTED, child=None),
    ):
        with pytest.raises(InvalidInput):
            superseded_by(bad)
    with pytest.raises(InvalidInput):
        check_superseding(request(EntryType.RECORD_DISPUTED), entry(0, child=OTHER))
    with pytest.raises(InvalidInput):
        check_superseding(request(EntryType.RECORD_DISPUTED), entry(0, EntryType.NOTIFICATION_QUEUED))
    assert superseded_by(request(EntryType.SHARE_RECORDED, causes=0)) is None


def test_a_replay_shows_what_was_corrected_and_disputed_and_keeps_the_record_as_it_was() -> None:
    state = ReplayedState()
    for each in (
        entry(0),
        entry(1),
        entry(2, EntryType.RECORD_DISPUTED, agency=CLINIC, cause=0),
        entry(3, EntryType.RECORD_CORRECTED, cause=0),
        entry(4, EntryType.RECORD_CORRECTED, cause=3),
    ):
        state.take(each)
    case = state.cases[CHILD]
    assert case.shares == [0, 1]
    assert case.corrected == {0: 3, 3: 4}
    assert case.disputed == {0: [2]}
