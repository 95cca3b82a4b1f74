"""A correction or a dispute is an entry about an earlier one: the earlier stands, and a replay shows both."""

import pytest
from msgspec.structs import replace

from services.ledger.audit.replay import ReplayedState
from services.ledger.domain.amending import amended_by, check_amendment, history_of
from shared.entries import Entry, Obligation, Subject
from shared.errors import InvalidInput, NotPermitted
from shared.identifiers import AgencyId, ChildRef, EntryId, ObligationId, Position, Recipient
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
    assert amended_by(request(EntryType.RECORD_CORRECTED)) == record.id
    check_amendment(request(EntryType.RECORD_CORRECTED), record)
    check_amendment(request(EntryType.RECORD_DISPUTED, agency=CLINIC), record)
    with pytest.raises(NotPermitted):
        check_amendment(request(EntryType.RECORD_CORRECTED, agency=CLINIC), record)


def test_it_names_one_record_of_an_agency_about_the_same_child() -> None:
    for bad in (
        request(EntryType.RECORD_DISPUTED, causes=0),
        request(EntryType.RECORD_DISPUTED, causes=2),
    ):
        with pytest.raises(InvalidInput):
            amended_by(bad)
    with pytest.raises(InvalidInput):
        check_amendment(request(EntryType.RECORD_DISPUTED), entry(0, child=OTHER))
    with pytest.raises(InvalidInput):
        check_amendment(request(EntryType.RECORD_DISPUTED, child=None), entry(0))
    with pytest.raises(InvalidInput):
        check_amendment(request(EntryType.RECORD_DISPUTED), entry(0, EntryType.NOTIFICATION_QUEUED))
    assert amended_by(request(EntryType.SHARE_RECORDED, causes=0)) is None


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


def owing(made: Entry, *recipients: str) -> Entry:
    obligations = tuple(
        Obligation(ObligationId(f"{made.id}-{n}"), Recipient(each), ("r",), "same_day", "t", "c", "s")
        for n, each in enumerate(recipients)
    )
    return replace(made, obligations=obligations)


def test_everybody_who_was_told_by_whatever_entry_must_hear_and_a_chase_tells_nobody_anything() -> None:
    record = owing(entry(0), "authority:E06000005", "queue:routing")
    following = [
        owing(entry(1, EntryType.CHILD_MOVE_SUSPECTED, cause=0), "authority:E06000047"),
        owing(entry(2, EntryType.NOTIFICATION_OVERDUE, cause=0), "queue:escalation", "agency:a-school"),
        owing(entry(3, EntryType.QUEUE_RESOLVED, cause=2), "authority:E10000007"),
        owing(entry(4, EntryType.RECORD_CORRECTED, cause=0), "police:E23000008"),
        owing(entry(5), "authority:E06000001"),
        owing(entry(6, EntryType.RECORD_DISPUTED, cause=5), "authority:E06000002"),
    ]
    history = history_of(record, [record, *following])
    assert list(history.told) == [
        "authority:E06000005",
        "queue:routing",
        "authority:E06000047",
        "authority:E10000007",
        "police:E23000008",
    ]
    assert [each.position for each in history.later] == [3, 4]


def test_a_record_about_no_child_is_amended_about_no_child() -> None:
    about_nobody = replace(entry(0), subjects=())
    check_amendment(request(EntryType.RECORD_CORRECTED, child=None), about_nobody)
    with pytest.raises(InvalidInput):
        check_amendment(request(EntryType.RECORD_CORRECTED), about_nobody)


def test_only_who_recorded_it_takes_a_record_back_and_a_replay_says_so() -> None:
    with pytest.raises(NotPermitted):
        check_amendment(request(EntryType.RECORD_RETRACTED, agency=CLINIC), entry(0))
    state = ReplayedState()
    for each in (
        entry(0),
        entry(1, EntryType.RECORD_RETRACTED, cause=0),
        entry(2, EntryType.CONSENT_WITHDRAWN, agency=CLINIC, cause=0),
    ):
        state.take(each)
    case = state.cases[CHILD]
    assert (case.retracted, case.consent_withdrawn, case.shares) == ({0: 1}, {0: [2]}, [0])
