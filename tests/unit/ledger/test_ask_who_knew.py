"""Who knew what is told from entries that are what was signed: any other is no answer, and what is unproven says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from cli.who_knew_text import who_knew_text
from services.ledger.as_recorded import AsPublished
from services.ledger.ask_who_knew import WhoKnewAnswerer
from services.ledger.ports import HashedEntry
from shared.entries import Entry, Subject, encode_entry
from shared.errors import IntegrityFailure
from shared.identifiers import AgencyId, ChildRef, EntryId, Position
from shared.ledger.audit_messages import Verification, WhoKnew, WhoKnewQuery
from shared.ledger.registry_copy import RegistryCopy
from shared.transparency.merkle import leaf_hash
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeLedger
from tests.machinery.static_log import SIGNER, MemoryTiles, static_log

CHILD = ChildRef("c" * 32)
LATER = "2027-01-01T00:00:00.000000Z"


def share_at(position: int, *, level: str = "significant_harm") -> bytes:
    """Return the bytes of a share about the child, each a minute after the one before."""
    made = Entry(
        Position(position),
        EntryId(f"{position:032x}"),
        EntryType.SHARE_RECORDED,
        f"2026-11-24T10:{position:02d}:00.000000Z",
    )
    return encode_entry(
        replace(made, agency=AgencyId("school"), subjects=(Subject(CHILD, position + 1),), facts={"level": level})
    )


LEAVES = [share_at(position) for position in range(3)]


@dataclass
class FakeEntries:
    """A child's entries, as stored."""

    stored: Sequence[HashedEntry]

    async def hashed_child_entries(self, _ref: ChildRef) -> Sequence[HashedEntry]:
        return self.stored


def stored_as(leaves: Sequence[bytes]) -> list[HashedEntry]:
    """Return entries as the database holds them, their hashes fitting."""
    return [HashedEntry(Position(at), leaf, leaf_hash(leaf)) for at, leaf in enumerate(leaves)]


async def answer(
    stored: Sequence[HashedEntry], *, files: Mapping[str, bytes] | None = None, as_at: str = LATER
) -> WhoKnew:
    """Return what is answered of stored entries, the log's files being these."""
    tiles = MemoryTiles(static_log(LEAVES) if files is None else files)
    asking = WhoKnewAnswerer(FakeEntries(stored), AsPublished(tiles, [SIGNER.verifier()]), RegistryCopy(FakeLedger()))
    return await asking.answer(WhoKnewQuery(CHILD, as_at))


async def test_entries_under_the_published_checkpoint_are_verified() -> None:
    known = await answer(stored_as(LEAVES))
    assert known.verification == Verification(True, 3, ())
    assert next(who_knew_text(known, name_of=str)).startswith("Each entry told of is under")


async def test_an_entry_whose_bytes_were_changed_ends_the_answer() -> None:
    stored = stored_as(LEAVES)
    stored[1] = HashedEntry(Position(1), share_at(1, level="early_help"), stored[1].leaf_hash)
    with pytest.raises(IntegrityFailure, match="the ledger is damaged here: the bytes of entry 1") as ended:
        await answer(stored)
    assert "exchange audit verify" in ended.value.remedy


async def test_an_entry_changed_with_its_hash_is_not_the_one_that_was_published() -> None:
    with pytest.raises(IntegrityFailure, match="entry 1 is not the one that was signed"):
        await answer(stored_as([LEAVES[0], share_at(1, level="early_help"), LEAVES[2]]))


async def test_what_is_not_published_yet_is_said_to_be_unverified() -> None:
    known = await answer(stored_as(LEAVES), files=static_log(LEAVES[:2]))
    assert known.verification == Verification(False, 2, (Position(2),))
    assert "NOT VERIFIED (entries 2 " in next(who_knew_text(known, name_of=str))
    earlier = await answer(stored_as(LEAVES), files=static_log(LEAVES[:2]), as_at="2026-11-24T10:01:00.000000Z")
    assert earlier.verification.verified, "what was recorded after the moment is not told of"


@pytest.mark.parametrize("lost", ["checkpoint", "tile/0/000.p/3"])
async def test_where_nothing_can_be_proven_the_answer_says_first_that_it_is_not_verified(lost: str) -> None:
    known = await answer(stored_as(LEAVES), files={k: v for k, v in static_log(LEAVES).items() if k != lost})
    assert not known.verification.verified
    assert next(who_knew_text(known, name_of=str)).endswith("run `exchange audit verify`.")
    assert known.entries == 3


async def test_a_checkpoint_that_the_logs_key_did_not_sign_verifies_nothing() -> None:
    files = {**static_log(LEAVES), "checkpoint": b"log.example/test\n3\nAAAA\n"}
    assert (await answer(stored_as(LEAVES), files=files)).verification == Verification()
