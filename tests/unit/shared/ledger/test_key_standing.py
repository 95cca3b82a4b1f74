"""Whether a signature counts is judged by what was known then; whether it is suspect, by what is known now."""

from datetime import timedelta

import msgspec

from shared.clock import rfc3339
from shared.entries import Entry
from shared.identifiers import AgencyId, EntryId, Position
from shared.ledger.key_standing import Standing, standing_of
from shared.ledger.registry import KeyFacts, Registry, RevocationFacts
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import START

KEY = generate_signing_key().public
SCHOOL, NURSERY = AgencyId("a-school"), AgencyId("a-nursery")


def entry(minute: int, entry_type: EntryType, facts: msgspec.Struct | None = None, **members: object) -> Entry:
    """Return an entry recorded at a minute, whose position it is as well."""
    return Entry(
        position=Position(minute),
        id=EntryId(f"{minute:032x}"),
        type=entry_type,
        time=at(minute),
        facts=msgspec.to_builtins(facts) if facts is not None else {},
        **members,  # type: ignore[arg-type]
    )


def at(minute: int) -> str:
    return rfc3339(START + timedelta(minutes=minute))


def added(minute: int, *, until: int | None = None, since: int | None = None) -> Entry:
    facts = KeyFacts(
        SCHOOL,
        KEY.thumbprint,
        KEY.jwk(),
        at(minute if since is None else since),
        at(until) if until is not None else None,
    )
    return entry(minute, EntryType.AGENCY_KEY_ADDED, facts)


def revoked(minute: int, *, compromised_from: int | None = None) -> Entry:
    since = at(compromised_from) if compromised_from is not None else None
    return entry(minute, EntryType.AGENCY_KEY_REVOKED, RevocationFacts(KEY.thumbprint, "lost", since))


def signed(minute: int, *, agency: AgencyId = SCHOOL) -> Entry:
    return entry(minute, EntryType.SHARE_RECORDED, agency=agency, key=KEY.thumbprint)


def standings(entries: list[Entry], *minutes: int) -> list[str]:
    """Return how signatures made at these minutes stand, once all the entries are known."""
    registry = Registry().with_entries(entries)
    return [standing_of(signed(minute), registry).value for minute in minutes]


def test_a_key_that_was_revoked_later_was_valid_before() -> None:
    assert standings([added(1), revoked(5)], 0, 1, 3, 5, 6) == [
        "not_valid",
        "not_valid",
        "valid",
        "valid",
        "not_valid",
    ]


def test_what_was_signed_from_the_compromise_on_is_suspect_and_what_came_before_is_not() -> None:
    assert standings([added(1), revoked(9, compromised_from=4)], 2, 3, 4, 8, 10) == [
        "valid",
        "valid",
        "suspect",
        "suspect",
        "not_valid",
    ]


def test_a_compromise_that_comes_to_light_after_the_revocation_counts_and_the_earliest_one_stays() -> None:
    history = [added(1), revoked(6), revoked(7, compromised_from=3), revoked(8, compromised_from=5)]
    assert standings(history, 2, 3, 5) == ["valid", "suspect", "suspect"]
    assert Registry().with_entries(history).keys[KEY.thumbprint].revoked_at == START + timedelta(minutes=6)


def test_adding_a_key_again_does_not_rewrite_the_past() -> None:
    renewed = [added(1, until=5), added(7, until=20)]
    assert standings(renewed, 3, 5, 6, 8) == ["valid", "not_valid", "not_valid", "valid"]
    # Nor does one that claims to have begun earlier.
    assert standings([added(1, until=5), added(7, since=0)], 6, 8) == ["not_valid", "valid"]


def test_adding_a_revoked_key_again_brings_back_neither_it_nor_its_good_name() -> None:
    history = [added(1), revoked(5, compromised_from=3), added(6)]
    assert standings(history, 2, 4, 8) == ["valid", "suspect", "not_valid"]


def test_a_signature_in_another_agencys_name_is_not_valid_and_a_services_entry_has_none() -> None:
    registry = Registry().with_entries([added(1)])
    assert standing_of(signed(2, agency=NURSERY), registry) is Standing.NOT_VALID
    assert standing_of(entry(3, EntryType.CONTENT_OPENED), registry) is Standing.UNSIGNED


def test_the_key_as_at_any_position_is_what_the_entries_before_it_made_it() -> None:
    registry = Registry().with_entries([added(1, until=5), revoked(3), added(4)])
    known = [registry.key_at(KEY.thumbprint, position=Position(position)) for position in range(7)]
    assert [key is None for key in known] == [True, True, False, False, False, False, False]
    assert [key.revoked_at is not None for key in known if key is not None] == [False, False, True, True, True]


def test_a_key_was_first_valid_at_the_earliest_of_all_the_dates_it_was_given() -> None:
    for history in ([added(3)], [added(3), added(4, since=9)], [added(8, since=9), added(9, since=3), revoked(10)]):
        assert rfc3339(Registry().with_entries(history).keys[KEY.thumbprint].first_valid()) == at(3)
