"""The copy of the registry takes pages whole, and all of a page that comes before what it cannot read."""

from collections.abc import Callable

import msgspec
import pytest

from shared.clock import rfc3339
from shared.entries import encode_entry, parse_entry
from shared.errors import ExchangeError, Unavailable
from shared.identifiers import AgencyId, AuthorityCode, Position
from shared.ledger.messages import EntriesPage, StoredEntry
from shared.ledger.registry import AgencyFacts, KeyFacts
from shared.ledger.registry_copy import PAGE, RegistryCopy
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import START, FakeLedger

SCHOOL, KEY = AgencyId("a-school"), generate_signing_key().public
ORIGIN, VKEY = "example.test/log", "the log's key"


class Pages:
    """A ledger that gives what it was given, in pages."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves

    async def entries(self, *, after: int, limit: int = PAGE, registry_only: bool = False) -> EntriesPage:
        del registry_only
        stored = [StoredEntry(Position(at), leaf) for at, leaf in enumerate(self.leaves) if at > after]
        return EntriesPage(tuple(stored[:limit]), len(self.leaves))


def leaves(*, agencies: int) -> list[bytes]:
    """A ledger's opening, so many agencies, and a key of the first."""
    ledger = FakeLedger()
    ledger.add(EntryType.LEDGER_OPENED, facts={"origin": ORIGIN, "vkey": VKEY})
    for number in range(agencies):
        name = AgencyId(f"{SCHOOL}-{number}")
        facts = AgencyFacts(name, "School", "s11_body", "England", AuthorityCode("E06000005"))
        ledger.add(EntryType.AGENCY_REGISTERED, facts=msgspec.to_builtins(facts))
    key = KeyFacts(AgencyId(f"{SCHOOL}-0"), KEY.thumbprint, KEY.jwk(), rfc3339(START))
    ledger.add(EntryType.AGENCY_KEY_ADDED, facts=msgspec.to_builtins(key))
    return [encode_entry(entry) for entry in ledger.stored]


async def test_every_page_is_taken_in() -> None:
    copy = RegistryCopy(Pages(leaves(agencies=2 * PAGE)))
    await copy.refresh()
    assert len(copy.current.agencies) == 2 * PAGE
    assert KEY.thumbprint in copy.current.keys
    assert copy.current.position == 2 * PAGE + 1


def of_a_later_release(leaf: bytes) -> bytes:
    """The same entry, its facts with a member that this release does not know."""
    entry = parse_entry(leaf)
    return encode_entry(msgspec.structs.replace(entry, facts={**entry.facts, "of_a_later_release": "x"}))


@pytest.mark.parametrize("unreadable", [lambda _leaf: b"{}", of_a_later_release], ids=["no entry", "other facts"])
async def test_what_comes_before_an_entry_that_cannot_be_read_is_known(unreadable: Callable[[bytes], bytes]) -> None:
    told = leaves(agencies=3)
    copy = RegistryCopy(Pages([*told[:3], unreadable(told[3]), *told[4:]]))
    for _ in range(2):
        with pytest.raises(ExchangeError):
            await copy.refresh()
        assert copy.current.position == 2
        assert list(copy.current.agencies) == [f"{SCHOOL}-0", f"{SCHOOL}-1"]
        assert copy.log_facts() == (ORIGIN, (VKEY,))
        with pytest.raises(Unavailable):
            copy.check_fresh()
