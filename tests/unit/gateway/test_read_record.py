"""What the sender of a record reads of each notification."""

from datetime import datetime, timedelta

import msgspec
import pytest

from services.gateway.read_record import is_overdue, is_unanswered
from shared.clock import rfc3339
from shared.entries import Entry, Obligation
from shared.identifiers import AgencyId, EntryId, ObligationId, Position, Recipient
from shared.ledger.messages import ObligationState
from shared.reference.working_days import due_after_working_days
from shared.vocabulary import LADDER, EntryType
from tests.machinery.fakes import START

SHARE = Entry(Position(1), EntryId("f" * 32), EntryType.SHARE_RECORDED, rfc3339(START), agency=AgencyId("a-school"))


def owed_by(due_at: datetime, *, state: str = "delivered") -> ObligationState:
    """Return how far an obligation of the share has come that is due at a moment."""
    obligation = Obligation(
        ObligationId("f" * 32 + "-0"),
        Recipient("authority:E06000005"),
        ("lives_in_area",),
        "same_day",
        rfc3339(due_at),
        "working_days:England",
        "recorded",
    )
    return ObligationState(
        obligation, EntryId("f" * 32), EntryType.SHARE_RECORDED, Position(1), None, state, rfc3339(START)
    )


@pytest.mark.parametrize("state", [rung.value for rung in LADDER])
def test_a_notification_is_overdue_from_its_deadline_on_until_a_person_owns_it(state: str) -> None:
    owed = owed_by(START, state=state)
    later = START + timedelta(seconds=1)
    assert not is_overdue(owed, now=START)
    assert is_overdue(owed, now=later) is (state not in ("owned", "decided"))
    withheld = msgspec.structs.replace(owed, entry_type=EntryType.WITHHOLDING_RECORDED)
    assert is_overdue(withheld, now=later) is (state != "decided")


@pytest.mark.parametrize("state", [rung.value for rung in LADDER])
def test_a_share_is_unanswered_from_one_working_day_on_until_a_person_owns_it(state: str) -> None:
    answer_due_at, due_at = (due_after_working_days(START, days=days, nation="England").due_at for days in (1, 5))
    owed, later = owed_by(due_at, state=state), answer_due_at + timedelta(seconds=1)
    assert not is_unanswered(owed, entry=SHARE, now=answer_due_at)
    assert is_unanswered(owed, entry=SHARE, now=later) is (state not in ("owned", "decided"))
    # Where the deadline comes as early, its passing says it.
    assert not is_unanswered(owed_by(answer_due_at, state=state), entry=SHARE, now=later)
    withheld = msgspec.structs.replace(SHARE, type=EntryType.WITHHOLDING_RECORDED)
    assert not is_unanswered(owed, entry=withheld, now=later)
