"""Folding many entries comes to what folding them one by one does, and copies what was there once."""

import msgspec

from shared.clock import rfc3339
from shared.entries import Entry
from shared.identifiers import AgencyId, AuthorityCode, Recipient
from shared.ledger.changing import Changing
from shared.ledger.registry import AgencyFacts, EndpointFacts, KeyFacts, Registry, RevocationFacts, WithdrawalFacts
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeLedger

SCHOOL, KEY, NEXT = AgencyId("a-school"), generate_signing_key().public, generate_signing_key().public
NOW = rfc3339(START)


def entries() -> list[Entry]:
    """A school that changes its name, gets two keys, loses one, and takes pushes at one place and then at another."""
    ledger = FakeLedger()

    def add(entry_type: EntryType, facts: msgspec.Struct) -> None:
        ledger.add(entry_type, facts=msgspec.to_builtins(facts))

    for name in ("School", "Academy"):
        add(EntryType.AGENCY_REGISTERED, AgencyFacts(SCHOOL, name, "s11_body", "England", AuthorityCode("E06000005")))
    for key in (KEY, NEXT):
        add(EntryType.AGENCY_KEY_ADDED, KeyFacts(SCHOOL, key.thumbprint, key.jwk(), NOW))
    add(EntryType.AGENCY_KEY_REVOKED, RevocationFacts(KEY.thumbprint, "lost"))
    for name in ("first", "second"):
        endpoint = EndpointFacts(
            name, Recipient(f"agency:{SCHOOL}"), f"https://{name}.example", NEXT.thumbprint, NEXT.jwk()
        )
        add(EntryType.ENDPOINT_REGISTERED, endpoint)
    ledger.add(EntryType.CONTENT_OPENED)
    add(EntryType.ENDPOINT_WITHDRAWN, WithdrawalFacts("first"))
    return ledger.stored


def test_many_entries_come_to_what_they_come_to_one_by_one_and_leave_what_was_before() -> None:
    told = entries()
    for cut in range(len(told) + 1):
        one_by_one = before = Registry().with_entries(told[:cut])
        kept = (dict(before.agencies), dict(before.keys), dict(before.endpoints))
        for entry in told[cut:]:
            one_by_one = one_by_one.with_entry(entry)
        assert before.with_entries(told[cut:]) == one_by_one
        assert (before.agencies, before.keys, before.endpoints) == kept
    assert one_by_one.position == len(told) - 1
    assert [facts.name for facts in one_by_one.agencies.values()] == ["Academy"]
    assert [key.revoked_at is None for key in one_by_one.keys.values()] == [False, True]
    assert [*one_by_one.endpoints] == ["second"]


def test_what_changes_is_copied_when_it_first_changes_and_never_again() -> None:
    before = {1: "a", 2: "b"}
    changing = Changing(before)
    changing.remove(3)
    assert changing.now is before
    changing.put(1, "A")
    copy = changing.now
    changing.put(4, "d")
    changing.remove(2)
    assert changing.now is copy
    assert (changing.now, before) == ({1: "A", 4: "d"}, {1: "a", 2: "b"})
