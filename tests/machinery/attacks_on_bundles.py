"""Ways to falsify an exported file. Each changes its members and returns what must be found, where, or what is said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import TILE_WIDTH, tile_index_path, tile_path
from tests.machinery.attacks_on_files import another_time
from tests.machinery.bundles import Members, counted, records
from tests.machinery.cosigners import CLASSIC, POST_QUANTUM, cosignature
from tests.machinery.sealed_log import HEAD_EVERY, SIZE, SealedLog
from tests.machinery.static_log import SIGNER, checkpoint_of

Found: TypeAlias = tuple[str, int, int]
"""Kind, first and last position. What cannot be read to its end has no kind: ``unreadable`` and what is named."""


@dataclass
class Given:
    """A bundle as an auditor gets it, the older checkpoints they kept, and what chooses the place."""

    random: Random
    log: SealedLog = field(default_factory=SealedLog)
    members: Members = field(init=False)
    kept: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Export the log."""
        self.members = self.log.bundle()

    def somewhere(self) -> int:
        """Return a position that is not the first."""
        return self.random.randrange(1, SIZE)

    def full_tile(self) -> int:
        """Return the number of a tile that is full."""
        return self.random.randrange(SIZE // TILE_WIDTH)

    def section(self) -> tuple[str, list[bytes], int, int]:
        """Return a member of sections, its records, the place of one of them, and its entry's position."""
        index = self.full_tile()
        name = f"sections/{tile_index_path(index)}"
        sections = records(self.members[name])
        at = self.random.randrange(len(sections))
        return name, sections, at, int.from_bytes(sections[at][:8])


Attack: TypeAlias = Callable[[Given], Found]


def flip_a_bit_of_a_tile(given: Given) -> Found:
    position = given.somewhere() % (2 * TILE_WIDTH)
    path = tile_path(0, position // TILE_WIDTH)
    data = bytearray(given.members[path])
    data[position % TILE_WIDTH * 32] ^= 1
    given.members[path] = bytes(data)
    return "edited_entry", position, position


def tear_a_tile(given: Given) -> Found:
    index, kept = given.full_tile(), given.random.randrange(TILE_WIDTH)
    given.members[tile_path(0, index)] = given.members[tile_path(0, index)][: kept * 32]
    return "torn_tile", index * TILE_WIDTH + kept, index * TILE_WIDTH + kept


def swap_two_tiles_of_entries(given: Given) -> Found:
    for level in (None, 0):
        one, other = tile_path(level, 0), tile_path(level, 1)
        given.members[one], given.members[other] = given.members[other], given.members[one]
    first = given.random.choice((0, TILE_WIDTH))
    return "misplaced_entry", first, first


def give_another_ledgers(given: Given) -> Found:
    stranger = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    facts = {"vkey": stranger.verifier().verifier_key()}
    other = given.log.changed(0, lambda entry: msgspec.structs.replace(entry, facts=facts))
    given.members = replace(other, signer=stranger).bundle()
    return "bad_signature", 0, SIZE - 1


def forge_the_checkpoint(given: Given) -> Found:
    stranger = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    given.members["checkpoint"] = checkpoint_of(given.log.leaves, signer=stranger)
    return "bad_signature", 0, 0


def give_an_older_bundle(given: Given) -> Found:
    given.kept.append(given.members["checkpoint"])
    size = given.random.randrange(1, SIZE)
    given.members = given.log.first(size).bundle()
    return "truncated", size, SIZE - 1


def rewrite_and_sign_anew(given: Given) -> Found:
    position = given.somewhere()
    size = given.random.randrange(position + 1, SIZE + 1)
    given.kept.append(checkpoint_of(given.log.leaves[:size]))
    given.members = given.log.changed(
        position, lambda entry: msgspec.structs.replace(entry, facts={"forged": "yes"})
    ).bundle()
    return "older_checkpoint_contradicted", 0, size - 1


def add_a_cosignature_of_another_checkpoint(given: Given) -> Found:
    other = checkpoint_of(given.log.leaves[: given.somewhere()])
    by = given.random.choice((CLASSIC, POST_QUANTUM))
    given.members["cosigned"] = counted(given.members["checkpoint"] + cosignature(other, by=by))
    # The checkpoint it stands on ends the last interval, which begins where the one before it ended.
    return "bad_cosignature", SIZE - HEAD_EVERY, SIZE - HEAD_EVERY


def back_date_and_sign_anew(given: Given) -> Found:
    position = given.somewhere()
    given.members = given.log.changed(position, another_time).bundle()
    return "time_runs_backwards", position, position


def remove_what_is_sealed_without_an_entry(given: Given) -> Found:
    name, sections, at, position = given.section()
    given.members[name] = b"".join(counted(each) for place, each in enumerate(sections) if place != at)
    return "section_missing", position, position


def put_in_the_payload_of_another_entry(given: Given) -> Found:
    name, sections, at, position = given.section()
    ends = 9 + sections[at][8]
    other = sections[(at + 2) % len(sections)]
    sections[at] = sections[at][:ends] + other[9 + other[8] :]
    given.members[name] = b"".join(map(counted, sections))
    return "section_edited", position, position


def seal_something_more_beside_an_entry(given: Given) -> Found:
    name, sections, at, position = given.section()
    sections.insert(at, position.to_bytes(8) + b"\4note" + b"what nobody committed to")
    given.members[name] = b"".join(map(counted, sections))
    return "section_foreign", position, position


def seal_something_else_under_the_same_name(given: Given) -> Found:
    name, sections, at, position = given.section()
    ends = 9 + sections[at][8]
    sections.insert(at, sections[at][:ends] + b"what a reader who takes the first one sees")
    given.members[name] = b"".join(map(counted, sections))
    return "section_edited", position, position


def open_something_beside_no_entry(given: Given) -> Found:
    given.members[f"opened/{SIZE + given.random.randrange(3)}/body"] = b"what nobody committed to"
    return "member_foreign", SIZE, SIZE


def open_something_under_a_name_written_otherwise(given: Given) -> Found:
    position = given.somewhere()
    names = (f"opened/0{position}/body", f"opened/{position}/body/x", f"Opened/{position}/body", f"opened/{position}")
    given.members[given.random.choice(names)] = b"what nobody committed to"
    return "member_foreign", SIZE, SIZE


def put_sections_where_no_entries_are(given: Given) -> Found:
    given.members["sections/003"] = given.members["sections/000"]
    return "member_foreign", SIZE, SIZE


ON_BUNDLES: Mapping[str, Attack] = {
    "a bad tile": flip_a_bit_of_a_tile,
    "a torn tile": tear_a_tile,
    "two bundles swapped with their tiles": swap_two_tiles_of_entries,
    "another ledger's": give_another_ledgers,
    "a forged checkpoint": forge_the_checkpoint,
    "rolled back": give_an_older_bundle,
    "rewritten and signed anew": rewrite_and_sign_anew,
    "a foreign cosignature": add_a_cosignature_of_another_checkpoint,
    "back-dated": back_date_and_sign_anew,
    "erased without an entry": remove_what_is_sealed_without_an_entry,
    "the payload of another entry": put_in_the_payload_of_another_entry,
    "a section nobody committed to": seal_something_more_beside_an_entry,
    "a section sealed twice": seal_something_else_under_the_same_name,
    "content opened beside no entry": open_something_beside_no_entry,
    "content opened under another name": open_something_under_a_name_written_otherwise,
    "sections of no entries": put_sections_where_no_entries_are,
}

Unreadable: TypeAlias = Callable[[Given], str]


def lose_a_bundle(given: Given) -> str:
    path = tile_path(None, given.full_tile())
    del given.members[path]
    return path


def lose_a_tile(given: Given) -> str:
    path = tile_path(0, given.full_tile())
    del given.members[path]
    return path


def tear_a_bundle(given: Given) -> str:
    path = tile_path(None, given.full_tile())
    given.members[path] = given.members[path][: -given.random.randrange(1, 100)]
    return path


UNREADABLE: Mapping[str, Unreadable] = {
    "a missing bundle": lose_a_bundle,
    "a missing tile": lose_a_tile,
    "a torn bundle": tear_a_bundle,
}
"""What leaves nothing to go on with: the check names the member and says that it checked nothing."""
