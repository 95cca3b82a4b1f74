"""Whoever recorded something hears how far it has come, if their system takes pushes; news of news goes to nobody."""

import pytest

from shared.identifiers import AgencyId, EntryId, KeyThumbprint, Recipient
from shared.ledger.progress import PROGRESS_TYPES, progress_owed
from shared.ledger.registry import AgencyFacts, EndpointFacts, Registry
from shared.vocabulary import EntryType
from tests.machinery.fakes import START

PRACTICE, SCHOOL = AgencyId("a-practice"), AgencyId("a-school")
ENTRY, CSC = EntryId("f" * 32), Recipient("authority:E06000005")
REGISTRY = Registry(
    agencies={each: AgencyFacts(each, "N", "s11_body", "Wales", None) for each in (PRACTICE, SCHOOL)},
    endpoints={
        "practice": EndpointFacts("practice", Recipient(f"agency:{PRACTICE}"), "https://x/", KeyThumbprint("k"), {})
    },
)


def owed(
    of: EntryType = EntryType.SHARE_RECORDED, *, by: AgencyId | None = PRACTICE, recipient: Recipient = CSC
) -> list[tuple[str, tuple[str, ...], str]]:
    obligations = progress_owed(ENTRY, "owned", of=of, by=by, recipient=recipient, registry=REGISTRY, now=START)
    return [(each.recipient, each.reasons, each.calendar) for each in obligations]


def test_a_sender_whose_system_takes_pushes_hears_of_its_record() -> None:
    assert owed() == [("agency:a-practice", ("your_record_owned",), "working_days:Wales")]
    assert owed(EntryType.RECORD_CORRECTED) == owed()


def test_a_sender_without_an_endpoint_reads_it_and_nothing_is_put_before_a_person() -> None:
    assert owed(by=SCHOOL) == []
    assert owed(by=AgencyId("nobody-known")) == []


def test_what_a_service_said_and_ones_own_acknowledgement_are_news_to_nobody() -> None:
    assert owed(by=None) == []
    assert owed(recipient=Recipient("agency:a-practice")) == []


@pytest.mark.parametrize("of", sorted({*PROGRESS_TYPES, EntryType.NOTIFICATION_OVERDUE}))
def test_news_of_news_is_owed_to_nobody(of: EntryType) -> None:
    assert owed(of) == []
