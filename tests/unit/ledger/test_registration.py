"""What may come into the registry: a key has one owner for ever, and nobody is registered who is not there."""

from datetime import timedelta

import msgspec
import pytest

from services.ledger.domain.registration import (
    MOST_KEYS,
    KeyBelongsToAnother,
    KeyRevokedForGood,
    NotRegistered,
    TooManyKeys,
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


WRONG_TERMS: dict[str, dict[str, object]] = {
    "an agreement that ends before it begins": {
        "agreement": "a",
        "agreement_from": "2026-04-01",
        "agreement_until": "2026-03-31",
    },
    "dates of an agreement that is not named": {"agreement_until": "2027-03-31"},
    "a review of a document that is not named": {"policy_document_review": "2027-03-31"},
    "a day that is none": {"policy_document": "p", "policy_document_from": "2026-02-30"},
    "no request at all": {"requests_per_minute": 0},
    "a telephone number with a name in it": {"telephone": "01325 Ruth"},
    "a role that does not exist": {"roles": ["everything"]},
}


@pytest.mark.parametrize("wrong", WRONG_TERMS)
def test_terms_that_cannot_be_meant_are_refused(registry: Registry, wrong: str) -> None:
    known = msgspec.to_builtins(registry.agencies[SCHOOL])
    registered = FakeLedger().add(EntryType.AGENCY_REGISTERED, facts={**known, **WRONG_TERMS[wrong]})
    with pytest.raises(InvalidInput):
        check_registration(registered, registry)


def test_whole_terms_are_taken(registry: Registry) -> None:
    facts = AgencyFacts(
        SCHOOL,
        "Name",
        "s11_body",
        "England",
        AuthorityCode("E06000005"),
        agreement="a",
        agreement_from="2026-04-01",
        agreement_until="2026-04-01",
        policy_document="p",
        policy_document_review="2027-04-01",
        requests_per_minute=1,
        telephone="+44 1632 960011",
        out_of_hours_telephone="999",
    )
    check_registration(entry(EntryType.AGENCY_REGISTERED, facts), registry)


def signed_by(agency: AgencyId, entry_type: EntryType, facts: msgspec.Struct) -> Entry:
    return FakeLedger().add(entry_type, facts=msgspec.to_builtins(facts), agency=agency, key=KEY.thumbprint)


def another_key(agency: AgencyId = SCHOOL, *, until_s: float | None = None) -> KeyFacts:
    key = generate_signing_key().public
    until = rfc3339(START + timedelta(seconds=until_s)) if until_s is not None else None
    return KeyFacts(agency, key.thumbprint, key.jwk(), rfc3339(START), until)


def test_an_agency_signs_for_keys_of_its_own_only(registry: Registry) -> None:
    check_registration(signed_by(SCHOOL, EntryType.AGENCY_KEY_ADDED, another_key()), registry)
    with pytest.raises(InvalidInput, match="of its own"):
        check_registration(signed_by(NURSERY, EntryType.AGENCY_KEY_ADDED, another_key(SCHOOL)), registry)
    revocation = RevocationFacts(KEY.thumbprint, "rotated")
    check_registration(signed_by(SCHOOL, EntryType.AGENCY_KEY_REVOKED, revocation), registry)
    with pytest.raises(NotRegistered):
        check_registration(signed_by(NURSERY, EntryType.AGENCY_KEY_REVOKED, revocation), registry)


def test_an_agency_cannot_fill_the_registry_with_keys_and_the_operator_may_add_one_more(registry: Registry) -> None:
    while len(registry.keys_of(SCHOOL)) < MOST_KEYS:
        registry = registry.with_entry(signed_by(SCHOOL, EntryType.AGENCY_KEY_ADDED, another_key()))
    with pytest.raises(TooManyKeys):
        check_registration(signed_by(SCHOOL, EntryType.AGENCY_KEY_ADDED, another_key()), registry)
    check_registration(entry(EntryType.AGENCY_KEY_ADDED, another_key()), registry)
    # Giving a key that is there already other dates takes no more room; neither does one that has ended.
    check_registration(key_added(SCHOOL), registry)
    revoked = registry.with_entry(entry(EntryType.AGENCY_KEY_REVOKED, RevocationFacts(KEY.thumbprint, "rotated")))
    check_registration(signed_by(SCHOOL, EntryType.AGENCY_KEY_ADDED, another_key()), revoked)


def test_a_key_ends_after_it_begins_and_was_compromised_in_the_past(registry: Registry) -> None:
    check_registration(entry(EntryType.AGENCY_KEY_ADDED, another_key(until_s=1)), registry)
    with pytest.raises(InvalidInput, match="before it begins"):
        check_registration(entry(EntryType.AGENCY_KEY_ADDED, another_key(until_s=0)), registry)
    later = RevocationFacts(KEY.thumbprint, "compromised", rfc3339(START + timedelta(seconds=1)))
    with pytest.raises(InvalidInput, match="has passed"):
        check_registration(entry(EntryType.AGENCY_KEY_REVOKED, later), registry)
