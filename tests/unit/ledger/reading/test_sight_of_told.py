"""What a push shows is judged from checked entries: where one was changed it still goes, without what is protected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from services.ledger.audit.damage import damaged
from services.ledger.ports import HashedEntry
from services.ledger.proven_entries import ProvenEntries
from services.ledger.reading.sight_of_told import SightOfTold
from shared.canonical_json import Json
from shared.entries import Entry, encode_entry
from shared.errors import NotFound
from shared.identifiers import ChildRef, EntryId, Position, Recipient, agency_recipient
from shared.ledger.audit_messages import Verification
from shared.ledger.messages import OpenSection
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType
from tests.machinery.cases import CSC_THERE, HERE, SCHOOL, CaseBook

POLICE = "police:E23000008"
ADDRESS: dict[str, Json] = {"lines": ["7 Hidden Row"]}
SAID = orjson.dumps({"child": {"address": ADDRESS}, "rationale": "why"})
UNSURE = {"child": {"address": {"protected": "unknown", "shown": False}}, "rationale": "why"}

Change = Callable[[Entry], Entry]


@dataclass
class Told:
    """A child in a refuge, of whom a later record forgets to say so, and a database that others may write."""

    book: CaseBook = field(default_factory=CaseBook)
    stored: dict[int, bytes] = field(default_factory=dict)
    published_size: int = 99
    keeps_hashes: bool = False
    left_out: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.book.share(protected=["refuge"])
        told = {CSC_THERE: ("named_by_sender",), POLICE: ("possible_crime",)}
        self.book.add(EntryType.SHARE_RECORDED, told=told, roles={"living_at": HERE})
        self.stored = {each.position: encode_entry(each) for each in self.book.entries}
        self.sight = SightOfTold(self, ProvenEntries(self), now_named=lambda: lambda code: code)

    def change(self, position: int, change: Change) -> None:
        """Write other bytes into the database."""
        self.stored[position] = encode_entry(change(self.book.entries[position]))

    def hashed(self, position: int) -> HashedEntry:
        """Return an entry as stored."""
        hashed = encode_entry(self.book.entries[position]) if self.keeps_hashes else self.stored[position]
        return HashedEntry(Position(position), self.stored[position], leaf_hash(hashed))

    async def entry(self, entry_id: EntryId) -> HashedEntry:
        for each in self.book.entries:
            if each.id == entry_id:
                return self.hashed(each.position)
        raise NotFound("there is no entry of that id")

    async def child_entries(self, _ref: ChildRef) -> Sequence[HashedEntry]:
        return [self.hashed(each.position) for each in self.book.entries if each.position not in self.left_out]

    async def verification(self, told: Sequence[HashedEntry]) -> Verification:
        """Hold entries against what was published, as far as it was."""
        self.asked += [each.position for each in told]
        published = [each for each in told if each.position < self.published_size]
        if any(each.leaf_hash != leaf_hash(encode_entry(self.book.entries[each.position])) for each in published):
            raise damaged("an entry is not the one that was signed and published")
        unverified = tuple(each.position for each in told if each not in published)
        return Verification(not unverified, self.published_size, unverified)

    async def shown(self, recipient: str = CSC_THERE) -> object:
        """Return what somebody is shown of the later record."""
        entry = self.book.entries[1]
        owed = next((each.id for each in entry.obligations if each.recipient == recipient), None)
        asked = OpenSection(entry.id, "body", "test", Recipient(recipient), owed)
        return orjson.loads((await self.sight.judge(asked)).of(SAID))


def unsaid(entry: Entry) -> Entry:
    """Return an entry without what it said of protection."""
    return replace(entry, facts={})


def urgent(entry: Entry) -> Entry:
    """Return an entry that owes the same for a graver reason."""
    return replace(entry, obligations=tuple(replace(each, reasons=("immediate_danger",)) for each in entry.obligations))


async def test_what_an_earlier_record_protects_stays_hidden_and_nothing_is_alarmed() -> None:
    told = Told()
    with capture_logs() as lines:
        assert await told.shown() == {"child": {"address": {"protected": "refuge", "shown": False}}, "rationale": "why"}
        assert await told.shown(POLICE) == orjson.loads(SAID)
        assert await told.shown(agency_recipient(SCHOOL)) == orjson.loads(SAID)
    assert lines == []


@pytest.mark.parametrize("keeps_hashes", [False, True])
@pytest.mark.parametrize(
    ("position", "change"),
    [
        pytest.param(0, unsaid, id="protection unsaid"),
        pytest.param(1, urgent, id="a graver reason"),
        pytest.param(1, lambda entry: replace(entry, agency="a-thief"), id="another sender"),
        pytest.param(1, lambda entry: replace(entry, subjects=()), id="about nobody"),
    ],
)
async def test_where_an_entry_was_changed_the_record_goes_without_all_that_may_be_protected_and_that_is_alarmed(
    position: int, change: Change, keeps_hashes: bool
) -> None:
    told = Told(keeps_hashes=keeps_hashes)
    told.change(position, change)
    for recipient in (CSC_THERE, POLICE, "agency:a-thief"):
        with capture_logs() as lines:
            assert await told.shown(recipient) == UNSURE
        assert [(each["event"], each["log_level"]) for each in lines] == [("told_without_what_is_protected", "error")]


async def test_an_older_entry_that_cannot_be_read_keeps_no_record_from_going() -> None:
    told = Told(published_size=0)
    told.stored[0] = b"{}"
    with capture_logs() as lines:
        assert await told.shown() == UNSURE
    assert len(lines) == 1


@pytest.mark.parametrize("left_out", [{0}, {1}, {0, 1}])
async def test_where_an_entry_about_the_child_was_left_out_it_goes_without_what_may_be_protected(
    left_out: set[int],
) -> None:
    told = Told(left_out=left_out)
    with capture_logs() as lines:
        assert await told.shown() == UNSURE
    assert "is missing" in lines[0]["detail"]


async def test_police_sent_to_a_child_in_danger_find_it_whatever_became_of_older_entries() -> None:
    told = Told()
    told.book.entries[1] = urgent(told.book.entries[1])
    told.stored[1] = encode_entry(told.book.entries[1])
    told.change(0, unsaid)
    with capture_logs() as lines:
        assert await told.shown(POLICE) == orjson.loads(SAID)
        assert await told.shown() == UNSURE
    assert len(lines) == 2


async def test_what_is_not_published_yet_is_told_from_the_hash_beside_it() -> None:
    told = Told(published_size=1)
    assert await told.shown(POLICE) == orjson.loads(SAID)
    told.change(1, urgent)
    told.keeps_hashes = True
    with capture_logs() as lines:
        assert await told.shown() == UNSURE
    assert len(lines) == 1


async def test_what_was_proven_once_is_not_proven_again_and_is_still_held_to_what_it_was() -> None:
    told = Told(published_size=1)
    await told.shown()
    await told.shown()
    assert told.asked.count(0) == 1
    assert told.asked.count(1) > 1, "what is not published yet must be asked for again"
    told.change(0, unsaid)
    with capture_logs() as lines:
        assert await told.shown() == UNSURE
    assert len(lines) == 1
