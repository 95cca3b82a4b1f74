"""A check of signatures believes no stream: neither one that leaves some out, nor one that gives them out of order."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
import pytest

from cli.audit_signatures import Why, check_signatures
from cli.audited_ledger import AuditedLedger
from cli.break_glass import Glass
from services.ledger.audit.signatures import SignatureReport
from shared.entries import Entry, encode_entry
from shared.errors import IntegrityFailure
from shared.identifiers import EntryId, Position
from shared.ledger.audit_messages import OpenedSignature, OpenSignatures, SignaturesPage, WhoKnew, WhoKnewQuery
from shared.ledger.messages import StoredEntry
from shared.ledger.stewardship import SCOPE_ENTRY, Target
from shared.transparency.merkle import leaf_hash, tree_root
from shared.vocabulary import EntryType
from tests.machinery.approvals import erasing
from tests.unit.ledger.test_signatures import GOOD, entry, registration, signed

ENTRIES = [registration(0), signed(1), signed(2), entry(3, EntryType.CONTENT_OPENED)]
ALL = (OpenedSignature(Position(1), GOOD), OpenedSignature(Position(2), GOOD))


@dataclass
class FakeLedger(AuditedLedger):
    """A ledger that shows these entries and, of their signatures, those that it likes."""

    entries: list[Entry] = field(default_factory=lambda: [*ENTRIES])
    shown: tuple[OpenedSignature, ...] = ALL

    async def stored(self, *, after: int) -> AsyncIterator[StoredEntry]:
        for each in self.entries[after + 1 :]:
            yield StoredEntry(each.position, encode_entry(each))

    async def registry_entries(self) -> list[Entry]:
        return []

    async def open_signatures(self, asked: OpenSignatures) -> SignaturesPage:
        return SignaturesPage(self.shown, Position(9))

    async def checkpoint(self) -> bytes:
        raise AssertionError("it is no part of this check")

    async def who_knew(self, query: WhoKnewQuery) -> WhoKnew:
        raise AssertionError("it is no part of this check")

    async def open_section(self, entry: EntryId, section: str, *, why: Glass) -> bytes:
        raise AssertionError("it is no part of this check")


async def checked(ledger: FakeLedger) -> SignatureReport:
    """Return what a check of the first four entries finds, which were found intact before."""
    root = tree_root([leaf_hash(encode_entry(each)) for each in ENTRIES]).hex()
    return await check_signatures(ledger, size=len(ENTRIES), root=root, bodies=False, why=Why())


async def test_signatures_that_are_all_shown_are_good() -> None:
    report = await checked(FakeLedger())
    assert (report.good, report.sound, report.whole) == (2, True, True)


@pytest.mark.parametrize("withheld", [1, 2])
async def test_a_signature_that_is_left_out_is_named_and_hides_no_other(withheld: int) -> None:
    report = await checked(FakeLedger(shown=tuple(each for each in ALL if each.position != withheld)))
    assert (report.good, [each.position for each in report.bad]) == (1, [withheld])


@pytest.mark.parametrize(
    "shown",
    [
        ALL[::-1],
        (*ALL, ALL[1]),
        (OpenedSignature(Position(-1), GOOD), *ALL),
        (*ALL, OpenedSignature(Position(4), GOOD)),
    ],
)
async def test_signatures_out_of_their_order_or_of_no_entry_are_refused(shown: tuple[OpenedSignature, ...]) -> None:
    with pytest.raises(IntegrityFailure, match="out of its place"):
        await checked(FakeLedger(shown=shown))


async def test_a_signature_shown_beside_an_entry_that_has_none_is_named() -> None:
    report = await checked(FakeLedger(shown=(*ALL, OpenedSignature(Position(3), orjson.dumps({})))))
    assert (report.good, [each.position for each in report.bad]) == (2, [3])


@pytest.mark.parametrize(
    "entries",
    [
        ENTRIES[:-1],
        [registration(0), entry(1, EntryType.SHARE_RECORDED), *ENTRIES[2:]],
        [*ENTRIES[:3], entry(3, EntryType.ERASURE_RECORDED, erasing(Target(SCOPE_ENTRY, None, EntryId(f"{1:032x}"))))],
    ],
)
async def test_other_entries_than_those_that_were_found_intact_are_refused(entries: list[Entry]) -> None:
    with pytest.raises(IntegrityFailure, match="are not the 4 that were checked before"):
        await checked(FakeLedger(entries=entries))


async def test_an_erasure_that_came_since_leaves_its_signature_unchecked() -> None:
    since = entry(4, EntryType.ERASURE_RECORDED, erasing(Target(SCOPE_ENTRY, None, EntryId(f"{1:032x}"))))
    report = await checked(FakeLedger([*ENTRIES, since], ALL[1:]))
    assert (report.good, report.bad, report.erased_meanwhile, report.whole) == (1, [], 1, False)
