"""A chronology is opened for its reader, put on the record, and only then returned; page by page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from services.ledger.audit.damage import damaged
from services.ledger.open_section import Revealed
from services.ledger.ports import HashedEntry
from services.ledger.reading import read_chronology
from services.ledger.reading.read_chronology import ChronologyReader
from shared.entries import encode_entry
from shared.errors import IntegrityFailure, NotFound, Unavailable
from shared.identifiers import ChildRef, EntryId
from shared.ledger.audit_messages import Verification
from shared.ledger.reading_messages import Chronology, ReadChronology
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType
from tests.machinery.cases import CHILD, CLINIC, SCHOOL, CaseBook
from tests.machinery.readers import Appends, Registered, signed_read

EVER = "9999-01-01T00:00:00.000000Z"
LARGE = b'"' + b"x" * (read_chronology.LARGEST_CONTENT_BYTES) + b'"'


@dataclass
class Read:
    """A reader over one case, its content in memory."""

    book: CaseBook = field(default_factory=CaseBook)
    content: bytes = b'{"rationale": "why"}'
    erased: set[EntryId] = field(default_factory=set)
    opened: list[EntryId] = field(default_factory=list)
    edited: bool = False
    rehashed: bool = False
    appends: Appends = field(default_factory=Appends)

    async def hashed_child_entries(self, ref: ChildRef) -> tuple[HashedEntry, ...]:
        entries = self.book.entries if ref == CHILD else []
        leaves = [(each.position, encode_entry(each)) for each in entries]
        return tuple(
            HashedEntry(position, self.edit(leaf), leaf_hash(self.edit(leaf) if self.rehashed else leaf))
            for position, leaf in leaves
        )

    def edit(self, leaf: bytes) -> bytes:
        """Return a leaf as whoever has the database has made it."""
        return leaf.replace(b"significant_harm", b"early_help_only_") if self.edited else leaf

    async def verification(self, told: Sequence[HashedEntry]) -> Verification:
        """Hold entries against what was published: what the book says."""
        published = {each.position: leaf_hash(encode_entry(each)) for each in self.book.entries}
        if any(published[each.position] != each.leaf_hash for each in told):
            raise damaged("an entry is not the one that was signed and published")
        return Verification(True)

    async def reveal(self, entry_id: EntryId, section: str) -> Revealed:
        if entry_id in self.erased:
            raise NotFound("erased")
        self.opened.append(entry_id)
        entry = next(each for each in self.book.entries if each.id == entry_id)
        assert section == "body"
        return Revealed(entry, b"", self.content)

    async def page(self, *, after: int = -1, limit: int = 50, as_at: str = EVER) -> Chronology:
        """Return a page for the school, by a request of its own."""
        reader = ChronologyReader(
            entries=self,
            published=self,
            opener=self,
            prover=Registered().prover(),
            recorder=self.appends.recorder(),
            now_named=lambda: lambda code: code,
        )
        signed = signed_read(f"/c?after={after}", nonce=f"{after:020d}{as_at}")
        return await reader.read(ReadChronology(CHILD, as_at, after, limit, signed))


async def test_the_record_of_a_look_names_what_it_opened_and_nothing_is_shown_without_it() -> None:
    read = Read()
    shares = [read.book.share(), read.book.share(CLINIC), read.book.share()]
    read.erased = {shares[2].id}
    page = await read.page()
    assert [each.content_is for each in page.entries] == ["shown", "erased"]
    (look,) = read.appends.taken
    assert (look.type, look.causes, look.agency) == (EntryType.CHRONOLOGY_READ, (shares[0].id,), SCHOOL)
    assert (look.facts["section"], look.facts["shown"]) == ("body", 2)
    read.appends.failing = True
    with pytest.raises(Unavailable):
        await read.page(after=0)


async def test_a_look_that_opens_nothing_is_on_the_record_as_well() -> None:
    read = Read()
    read.erased = {read.book.share().id}
    await read.page()
    assert [(look.causes, look.facts["section"]) for look in read.appends.taken] == [((), "none")]


async def test_pages_end_at_their_limit_and_once_they_are_large() -> None:
    read = Read()
    for _ in range(4):
        read.book.share()
    first = await read.page(limit=3)
    rest = await read.page(after=first.next_after or 0)
    assert ([len(each.entries) for each in (first, rest)], first.next_after, rest.next_after) == ([3, 1], 2, None)
    read.content, read.opened = LARGE, []
    large = await read.page(limit=50, as_at="9998-01-01T00:00:00.000000Z")
    assert (len(large.entries), large.next_after) == (1, 0)
    assert len(read.opened) == 1, "what is not shown is not opened"


async def test_what_was_recorded_later_than_asked_about_is_left_out_and_how_far_it_came() -> None:
    read = Read()
    share = read.book.share()
    facts = {"obligation": f"{share.id}-0", "recipient": "authority:E06000005"}
    read.book.add(EntryType.NOTIFICATION_OWNED, CLINIC, causes=(share.id,), facts=facts)
    then, now = await read.page(as_at=share.time), await read.page()
    assert [each.notifications[0].state for each in (then.entries[0], now.entries[0])] == ["owed", "owned"]
    assert (len(then.entries), len(now.entries)) == (1, 2)
    assert now.entries[0].notifications[0].since == read.book.entries[1].time


async def test_who_has_no_part_leaves_no_trace_and_learns_nothing() -> None:
    read = Read()
    read.book.share(CLINIC)
    with pytest.raises(NotFound) as not_for_you:
        await read.page()
    read.book.entries.clear()
    with pytest.raises(NotFound) as nobody:
        await read.page()
    assert not_for_you.value.detail == nobody.value.detail
    assert (read.opened, read.appends.taken) == ([], [])


@pytest.mark.parametrize("rehashed", [False, True], ids=["an entry alone", "an entry with its hash"])
async def test_an_entry_that_was_changed_is_shown_to_nobody(rehashed: bool) -> None:
    read = Read(edited=True, rehashed=rehashed)
    read.book.share(level="significant_harm")
    with pytest.raises(IntegrityFailure, match="the ledger is damaged here"):
        await read.page()
    assert read.appends.taken == [], "nothing was shown, so nobody looked"
