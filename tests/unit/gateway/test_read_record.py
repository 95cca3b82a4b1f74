"""What the sender of a record reads of each notification."""

from datetime import timedelta

import msgspec
import pytest

from services.gateway.read_record import is_overdue
from shared.clock import rfc3339
from shared.entries import Obligation
from shared.identifiers import EntryId, ObligationId, Position, Recipient
from shared.ledger.messages import ObligationState
from shared.vocabulary import LADDER, EntryType
from tests.machinery.fakes import START


@pytest.mark.parametrize("state", [rung.value for rung in LADDER])
def test_a_notification_is_overdue_from_its_deadline_on_until_a_person_owns_it(state: str) -> None:
    obligation = Obligation(
        ObligationId("f" * 32 + "-0"),
        Recipient("authority:E06000005"),
        ("lives_in_area",),
        "same_day",
        rfc3339(START),
        "working_days:England",
        "recorded",
    )
    owed = ObligationState(
        obligation, EntryId("f" * 32), EntryType.SHARE_RECORDED, Position(1), None, state, rfc3339(START)
    )
    later = START + timedelta(seconds=1)
    assert not is_overdue(owed, now=START)
    assert is_overdue(owed, now=later) is (state not in ("owned", "decided"))
    withheld = msgspec.structs.replace(owed, entry_type=EntryType.WITHHOLDING_RECORDED)
    assert is_overdue(withheld, now=later) is (state != "decided")
