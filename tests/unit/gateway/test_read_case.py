"""What a search answers: the same bytes for nobody and for nobody in whose case one has a part."""

from dataclasses import dataclass, field

import orjson
import pytest

from services.gateway.admit_request import Admitted
from services.gateway.domain.placing import Directories
from services.gateway.domain.record import Child, Identifier
from services.gateway.read_case import CaseReader, SearchRecord
from shared.errors import InvalidInput, NotFound
from shared.identifiers import AgencyId, AuthorityCode, ChildRef, KeyThumbprint, Position
from shared.ledger.messages import AdmitRead
from shared.ledger.reading_messages import ChildFound, Chronology, FindChild, ReadChronology
from shared.ledger.registry import AgencyFacts
from shared.reference.authorities import load_register
from shared.reference.postcodes import load_postcodes
from tests.machinery.fakes import FakeClock
from tests.machinery.people import nhs_number

REGISTER = load_register()
SCHOOL = AgencyFacts(AgencyId("a-school"), "School", "s11_body", "England", AuthorityCode("E06000005"))
ADMITTED = Admitted(SCHOOL, KeyThumbprint("k" * 43), "n" * 20, b"evidence", Position(3))
CHILD = ChildRef("c" * 32)


@dataclass
class FakeReadingLedger:
    """Answers what it is told to, and notes what it was asked."""

    child: ChildRef | None = None
    asked: list[str] = field(default_factory=list)
    searches: list[FindChild] = field(default_factory=list)
    reads: list[ReadChronology] = field(default_factory=list)

    async def admit_read(self, request: AdmitRead) -> None:
        self.asked.append(f"admit {request.nonce}")

    async def chronology(self, request: ReadChronology) -> Chronology:
        self.reads.append(request)
        return Chronology(request.child, request.as_at, (), None, (), None, Position(9))

    async def find_child(self, request: FindChild) -> ChildFound:
        self.asked.append("find")
        self.searches.append(request)
        return ChildFound(self.child)


def reader(ledger: FakeReadingLedger) -> CaseReader:
    directories = Directories(REGISTER, load_postcodes(REGISTER, file=None))
    return CaseReader(ledger=ledger, directories=directories, clock=FakeClock(), in_production=False)


async def search(ledger: FakeReadingLedger, *identifiers: Identifier) -> bytes:
    record = SearchRecord(child=Child(date_of_birth="2016-03-11", identifiers=identifiers))
    return await reader(ledger).search(record, ADMITTED, body=b"{}", target="/v1/children/searches")


async def test_a_search_uses_up_its_nonce_and_carries_its_signature_and_only_what_identifies() -> None:
    ledger = FakeReadingLedger(child=CHILD)
    number = nhs_number()
    untraced = Identifier("nhs_number", number)
    answer = await search(ledger, Identifier("nhs_number", number, traced=True), untraced, Identifier("upn", "A1"))
    assert orjson.loads(answer) == {"kind": "search", "looked_up": 1, "found": [{"ref": CHILD}]}
    (asked,) = ledger.searches
    assert [each.scheme for each in asked.identifiers] == ["nhs_number+date_of_birth"]
    assert (asked.signed.method, asked.signed.body, asked.signed.evidence) == ("POST", b"{}", b"evidence")
    assert ledger.asked == [f"admit {ADMITTED.nonce}", "find"]


async def test_a_search_without_anything_that_identifies_is_asked_all_the_same() -> None:
    ledger = FakeReadingLedger()
    assert await search(ledger, Identifier("upn", "A1")) == b'{"kind":"search","looked_up":0,"found":[]}'
    assert ledger.asked[-1] == "find"


async def test_a_chronology_is_asked_for_as_at_a_moment_in_utc_and_in_bounded_pages() -> None:
    ledger = FakeReadingLedger()
    ask = reader(ledger).chronology
    await ask(CHILD, ADMITTED, target="/t", as_at="2026-11-24T11:00:00+01:00", after="7", limit="100000")
    (asked,) = ledger.reads
    assert (asked.as_at, asked.after, asked.limit) == ("2026-11-24T10:00:00.000000Z", 7, 100)
    for as_at, after, limit in (("yesterday", "-1", "1"), ("", "x", "1"), ("", "-2", "1"), ("", "-1", "0")):
        with pytest.raises(InvalidInput):
            await ask(CHILD, ADMITTED, target="/t", as_at=as_at, after=after, limit=limit)
    with pytest.raises(NotFound):
        await ask("nobody", ADMITTED, target="/t", as_at="", after="-1", limit="1")
