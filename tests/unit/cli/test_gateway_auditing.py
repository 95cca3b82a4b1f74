"""What an auditor asks of a gateway: page by page, no further than is read, and the same opening once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
import pytest

from cli.break_glass import Glass
from cli.gateway_auditing import PAGE_LIMIT, GatewayAuditing
from client.answer import Answer
from client.errors import Problem, Refused
from shared.canonical_json import Json
from shared.entries import Entry, encode_entry
from shared.errors import IntegrityFailure, InvalidInput, NotFound
from shared.identifiers import ChildRef, EntryId, Position
from shared.ledger.audit_messages import WhoKnewQuery
from shared.vocabulary import EntryType

WHY = Glass("inspection", "Inspection 12.", by="", run="a-run")


def leaf(position: int) -> bytes:
    """Return an entry that says nothing but where it stands."""
    entry_id, time = EntryId(f"{position:032x}"), "2026-11-24T10:00:00.000000Z"
    return encode_entry(Entry(Position(position), entry_id, EntryType.CONTENT_OPENED, time))


@dataclass
class FakeGateway:
    """A gateway over so many entries, that notes what it was asked; two that are ``swapped`` it gives the wrong way."""

    size: int = 0
    swapped: tuple[int, int] | None = None
    answer: bytes = b"{}"
    refuses: int | None = None
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[Mapping[str, Json], str | None]] = field(default_factory=list)

    async def get(self, path: str) -> Answer:
        self.asked.append(path)
        page = re.fullmatch(r"/v1/audit/(?:entries|registry)\?after=(-?\d+)&limit=(\d+)", path)
        if page is None:
            return Answer(200, self.answer, {})
        first = int(page[1]) + 1
        positions = list(range(first, min(self.size, first + int(page[2]))))
        if self.swapped is not None and set(self.swapped) <= set(positions):
            one, other = (positions.index(each) for each in self.swapped)
            positions[one], positions[other] = positions[other], positions[one]
        return Answer(200, b"".join(leaf(each) + b"\n" for each in positions), {})

    async def post(self, path: str, record: Mapping[str, Json], *, idempotency_key: str | None = None) -> Answer:
        self.posted.append((record, idempotency_key))
        if self.refuses is not None:
            raise Refused(Problem(self.refuses, "a-code", "No", "It will not.", "Ask for something else."))
        return Answer(201, self.answer, {})


async def test_entries_are_asked_for_page_by_page_and_no_further_than_they_are_read() -> None:
    """What makes a replay's memory constant, however long the ledger."""
    gateway = FakeGateway(size=2 * PAGE_LIMIT + 1)
    stream = GatewayAuditing(gateway).stored(after=-1)
    for position in range(PAGE_LIMIT):
        assert (await anext(stream)).position == position
    assert gateway.asked == [f"/v1/audit/entries?after=-1&limit={PAGE_LIMIT}"]
    assert len([each async for each in stream]) == PAGE_LIMIT + 1
    assert len(gateway.asked) == 4, "the last page is the empty one"


async def test_the_registrys_entries_come_in_order_or_not_at_all() -> None:
    entries = await GatewayAuditing(FakeGateway(size=5)).registry_entries()
    assert [each.position for each in entries] == [0, 1, 2, 3, 4]
    with pytest.raises(IntegrityFailure, match="entry 2 comes after entry 3"):
        await GatewayAuditing(FakeGateway(size=5, swapped=(2, 3))).registry_entries()


async def test_an_opening_is_repeated_under_the_same_key_and_gives_salt_and_content() -> None:
    gateway = FakeGateway(answer=orjson.dumps({"opening": {}, "salt_base64": "c2FsdA==", "content_base64": "dGV4dA=="}))
    auditing, entry = GatewayAuditing(gateway), EntryId("a" * 32)
    for _ in range(2):
        assert await auditing.open_section(entry, "body", why=WHY) == b"salttext"
    assert gateway.posted[0] == gateway.posted[1]
    record, key = gateway.posted[0]
    assert record == {"entry": entry, "section": "body", "reason": "inspection", "note": "Inspection 12."}
    await auditing.open_section(entry, "note", why=WHY)
    assert gateway.posted[2][1] != key


async def test_what_was_erased_is_not_found_and_another_refusal_stands() -> None:
    for status, error in ((404, NotFound), (403, Refused)):
        with pytest.raises(error):
            await GatewayAuditing(FakeGateway(refuses=status)).open_section(EntryId("a" * 32), "body", why=WHY)


async def test_an_answer_in_a_form_that_is_not_known_is_no_answer() -> None:
    query = WhoKnewQuery(ChildRef("c" * 32), "2026-11-24T10:00:00.000000Z")
    for answer in (b"{}", b"[]", b"no JSON", b'{"child": "\xff"}'):
        with pytest.raises(InvalidInput):
            await GatewayAuditing(FakeGateway(answer=answer)).who_knew(query)
