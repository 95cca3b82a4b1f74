"""A key registered a moment ago is known to everybody who asks; made-up keys cost the ledger next to nothing."""

import asyncio

import msgspec
import pytest

from services.gateway.known_keys import KnownKeys
from shared.clock import rfc3339
from shared.errors import Unavailable
from shared.identifiers import AgencyId, AuthorityCode
from shared.ledger import registry_copy
from shared.ledger.messages import EntriesPage
from shared.ledger.registry import AgencyFacts, KeyFacts, UnknownKey
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeClock, FakeLedger

AT_ONCE = 200
AGENCY = AgencyId("a-school")


class CountingLedger(FakeLedger):
    """Counts how often it is asked for the registry."""

    looks = 0

    async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
        self.looks += 1
        await asyncio.sleep(0)
        return await super().entries(after=after, limit=limit, registry_only=registry_only)


async def test_a_key_registered_a_moment_ago_is_known_to_all_who_ask_at_once() -> None:
    ledger, key = CountingLedger(), generate_signing_key().public
    known = KnownKeys(ledger, clock=FakeClock())
    await known.registry.refresh()
    agency = AgencyFacts(AGENCY, "School", "s11_body", "England", AuthorityCode("E06000005"))
    ledger.add(EntryType.AGENCY_REGISTERED, facts=msgspec.to_builtins(agency))
    added = KeyFacts(AGENCY, key.thumbprint, key.jwk(), rfc3339(START))
    ledger.add(EntryType.AGENCY_KEY_ADDED, facts=msgspec.to_builtins(added))
    found = await asyncio.gather(*(known.key(key.thumbprint) for _ in range(AT_ONCE)))
    assert {registered.agency for registered, _, _ in found} == {AGENCY}
    assert ledger.looks == 2


async def test_made_up_keys_share_one_look_at_the_ledger() -> None:
    ledger = CountingLedger()
    known = KnownKeys(ledger, clock=FakeClock())
    refused = await asyncio.gather(*(known.key(f"made-up-{each}") for each in range(AT_ONCE)), return_exceptions=True)
    assert all(isinstance(each, UnknownKey) for each in refused)
    assert ledger.looks == 1
    with pytest.raises(UnknownKey):
        await known.key("made-up-later")
    assert ledger.looks == 2


async def test_what_nobody_foresaw_stops_no_following_and_a_copy_that_stands_still_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class StumblingLedger(CountingLedger):
        async def entries(self, *, after: int, limit: int = 500, registry_only: bool = False) -> EntriesPage:
            page = await super().entries(after=after, limit=limit, registry_only=registry_only)
            if self.looks < 3:
                raise ValueError("nobody foresaw this")
            return page

    monkeypatch.setattr(registry_copy, "REFRESH_S", 0.001)
    ledger = StumblingLedger()
    known = KnownKeys(ledger, clock=FakeClock())
    with pytest.raises(Unavailable):
        known.registry.check_fresh()
    following = asyncio.create_task(known.follow())
    while ledger.looks < 4:
        await asyncio.sleep(0.001)
    known.registry.check_fresh()
    following.cancel()
    looks = ledger.looks
    for _ in range(AT_ONCE):
        known.registry.check_fresh()
    assert ledger.looks == looks
    monkeypatch.setattr(registry_copy, "FRESH_FOR_S", 0.0)
    with pytest.raises(Unavailable):
        known.registry.check_fresh()
