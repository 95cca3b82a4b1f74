"""What may come into the registry: a key has one owner for ever, and nobody is registered who is not there."""

import msgspec
import pytest

from services.ledger.domain.registration import (
    KeyBelongsToAnother,
    KeyRevokedForGood,
    NotRegistered,
    check_registration,
)
from shared.clock import rfc3339
from shared.entries import Entry
from shared.errors import InvalidInput
from shared.identifiers import AgencyId, AuthorityCode, Recipient
from shared.ledger.registry import AgencyFacts, EndpointFacts, KeyFacts, Registry, RevocationFacts, WithdrawalFacts
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeLedger

KEY = generate_signing_key().public
SCHOOL, NURSERY = AgencyId("a-school"), AgencyId("a-nursery")


def entry(entry_type: EntryType, facts: msgspec.Struct) -> Entry:
    return FakeLedger().add(entry_type, facts=msgspec.to_builtins(facts))


def key_added(agency: str) -> Entry:
    return entry(EntryType.AGENCY_KEY_ADDED, KeyFacts(AgencyId(agency), KEY.thumbprint, KEY.jwk(), rfc3339(START)))


def endpoint(recipient: str) -> Entry:
    facts = EndpointFacts("an-endpoint", Recipient(recipient), "https://one.example/", KEY.thumbprint, KEY.jwk())
    return entry(EntryType.ENDPOINT_REGISTERED, facts)


@pytest.fixture
def registry() -> Registry:
    """Two agencies; the school's key is in."""
    agencies = [
        entry(EntryType.AGENCY_REGISTERED, AgencyFacts(each, "Name", "s11_body", "England", AuthorityCode("E06000005")))
        for each in (SCHOOL, NURSERY)
    ]
    return Registry().with_entries([*agencies, key_added(SCHOOL)])


def test_an_agency_may_add_its_own_key_again_with_other_dates(registry: Registry) -> None:
    check_registration(key_added(SCHOOL), registry)


def test_a_key_never_passes_to_another_agency(registry: Registry) -> None:
    with pytest.raises(KeyBelongsToAnother):
        check_registration(key_added(NURSERY), registry)


def test_a_key_is_added_to_a_registered_agency_or_to_none(registry: Registry) -> None:
    with pytest.raises(NotRegistered, match="no agency nobody-here"):
        check_registration(key_added("nobody-here"), registry)


def test_a_revoked_key_cannot_be_added_again(registry: Registry) -> None:
    revoked = entry(EntryType.AGENCY_KEY_REVOKED, RevocationFacts(KEY.thumbprint, "lost"))
    check_registration(revoked, registry)
    with pytest.raises(KeyRevokedForGood):
        check_registration(key_added(SCHOOL), registry.with_entry(revoked))


def test_only_a_key_that_is_there_can_be_revoked(registry: Registry) -> None:
    stranger = generate_signing_key().public.thumbprint
    with pytest.raises(NotRegistered):
        check_registration(entry(EntryType.AGENCY_KEY_REVOKED, RevocationFacts(stranger, "lost")), registry)


def test_an_endpoint_is_for_an_authority_or_a_registered_agency(registry: Registry) -> None:
    check_registration(endpoint("authority:E06000005"), registry)
    check_registration(endpoint(f"agency:{NURSERY}"), registry)
    with pytest.raises(NotRegistered):
        check_registration(endpoint("agency:nobody-here"), registry)
    with pytest.raises(InvalidInput):
        check_registration(endpoint("queue:routing"), registry)


def test_only_an_endpoint_that_is_there_can_be_withdrawn(registry: Registry) -> None:
    withdrawn = entry(EntryType.ENDPOINT_WITHDRAWN, WithdrawalFacts("an-endpoint"))
    with pytest.raises(NotRegistered):
        check_registration(withdrawn, registry)
    check_registration(withdrawn, registry.with_entry(endpoint("authority:E06000005")))
