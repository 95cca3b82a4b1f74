"""Ways to falsify what a log publishes as static files. Each changes the files and returns what must be found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from services.ledger.audit.findings import FindingKind
from shared.entries import Entry, encode_entry
from shared.transparency.merkle import leaf_hash
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import TILE_WIDTH, bundle_bytes, parse_bundle, tile_bytes, tile_path
from tests.machinery.cosigners import CLASSIC, POST_QUANTUM, cosignature
from tests.machinery.sealed_log import SIZE, SealedLog
from tests.machinery.static_log import SIGNER, checkpoint_of, static_log

Found: TypeAlias = tuple[FindingKind, int, int]
"""Kind, first and last position."""

ABOVE = tile_path(1, 0, width=SIZE // TILE_WIDTH)


@dataclass
class Published:
    """A log's files as an auditor gets them, the older checkpoints they kept, and what chooses the place."""

    random: Random
    log: SealedLog = field(default_factory=SealedLog)
    files: dict[str, bytes] = field(init=False)
    kept: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Publish the log."""
        self.publish(self.log)

    def publish(self, log: SealedLog) -> None:
        """Take a log's files for those that are published."""
        self.files = static_log(log.leaves, signer=log.signer)

    def somewhere(self) -> int:
        """Return a position that is not the first."""
        return self.random.randrange(1, SIZE)

    def full_tile(self) -> int:
        """Return the number of a tile that is full."""
        return self.random.randrange(SIZE // TILE_WIDTH)


Attack: TypeAlias = Callable[[Published], Found]


def width_of(index: int) -> int:
    """Return how wide a tile of entries is at the end."""
    return min(TILE_WIDTH, SIZE - index * TILE_WIDTH)


def another_time(entry: Entry) -> Entry:
    """Return an entry dated years before."""
    return replace(entry, time=entry.time.replace("2026", "2020"))


def edit_an_entry(published: Published) -> Found:
    position = published.somewhere()
    index, width = position // TILE_WIDTH, width_of(position // TILE_WIDTH)
    path = tile_path(None, index, width=width)
    leaves = parse_bundle(published.files[path])
    leaves[position % TILE_WIDTH] = encode_entry(another_time(published.log.entries[position]))
    published.files[path] = bundle_bytes(leaves)
    return FindingKind.EDITED_ENTRY, position, position


def edit_an_entry_with_its_hash(published: Published) -> Found:
    index = published.full_tile()
    position = index * TILE_WIDTH + published.random.randrange(1, TILE_WIDTH)
    leaves = published.log.leaves
    changed = replace(published.log.entries[position], facts={"forged": "yes"})
    leaves[position] = encode_entry(changed)
    bundle = leaves[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
    published.files[tile_path(None, index)] = bundle_bytes(bundle)
    published.files[tile_path(0, index)] = tile_bytes([leaf_hash(leaf) for leaf in bundle])
    return FindingKind.BAD_TILE, 0, SIZE // TILE_WIDTH * TILE_WIDTH - 1


def flip_a_bit_of_a_leaf_tile(published: Published) -> Found:
    position = published.somewhere()
    path = tile_path(0, position // TILE_WIDTH, width=width_of(position // TILE_WIDTH))
    data = bytearray(published.files[path])
    data[position % TILE_WIDTH * 32] ^= 1
    published.files[path] = bytes(data)
    return FindingKind.EDITED_ENTRY, position, position


def flip_a_bit_of_a_higher_tile(published: Published) -> Found:
    data = bytearray(published.files[ABOVE])
    data[published.random.randrange(len(data))] ^= 1
    published.files[ABOVE] = bytes(data)
    return FindingKind.BAD_TILE, 0, SIZE // TILE_WIDTH * TILE_WIDTH - 1


def _tear(published: Published, path: str) -> None:
    published.files[path] = published.files[path][: published.random.randrange(1, len(published.files[path]))]


def tear_a_leaf_tile(published: Published) -> Found:
    index = published.full_tile()
    _tear(published, tile_path(0, index))
    return FindingKind.TORN_TILE, index * TILE_WIDTH, (index + 1) * TILE_WIDTH - 1


def tear_a_higher_tile(published: Published) -> Found:
    _tear(published, ABOVE)
    return FindingKind.TORN_TILE, 0, SIZE // TILE_WIDTH * TILE_WIDTH - 1


def tear_a_bundle_within_an_entry(published: Published) -> Found:
    index = published.full_tile()
    path = tile_path(None, index)
    published.files[path] = published.files[path][: -published.random.randrange(1, 100)]
    return FindingKind.TORN_TILE, index * TILE_WIDTH, (index + 1) * TILE_WIDTH - 1


def _lose(published: Published, path: str, position: int) -> Found:
    del published.files[path]
    return FindingKind.MISSING_TILE, position, SIZE - 1


def lose_a_bundle(published: Published) -> Found:
    index = published.full_tile()
    return _lose(published, tile_path(None, index), index * TILE_WIDTH)


def lose_a_leaf_tile(published: Published) -> Found:
    index = published.full_tile()
    return _lose(published, tile_path(0, index), index * TILE_WIDTH)


def put_a_bundle_in_anothers_place(published: Published) -> Found:
    index = published.full_tile()
    published.files[tile_path(None, index)] = published.files[tile_path(None, 1 - index)]
    return FindingKind.MISPLACED_ENTRY, index * TILE_WIDTH, index * TILE_WIDTH


def swap_two_bundles_with_their_tiles(published: Published) -> Found:
    for level in (None, 0):
        one, other = tile_path(level, 0), tile_path(level, 1)
        published.files[one], published.files[other] = published.files[other], published.files[one]
    position = published.random.randrange(2 * TILE_WIDTH)
    return FindingKind.MISPLACED_ENTRY, position, position


def forge_a_checkpoint(published: Published) -> Found:
    stranger = NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    published.files["checkpoint"] = checkpoint_of(published.log.leaves, signer=stranger)
    return FindingKind.BAD_SIGNATURE, 0, SIZE - 1


def roll_back_to_an_older_checkpoint(published: Published) -> Found:
    published.kept.append(published.files["checkpoint"])
    size = published.random.randrange(1, SIZE)
    published.publish(published.log.first(size))
    return FindingKind.TRUNCATED, size, SIZE - 1


def rewrite_and_sign_anew(published: Published) -> Found:
    position = published.somewhere()
    size = published.random.randrange(position + 1, SIZE + 1)
    published.kept.append(checkpoint_of(published.log.leaves[:size]))
    published.publish(published.log.changed(position, lambda entry: replace(entry, facts={"forged": "yes"})))
    return FindingKind.OLDER_CHECKPOINT_CONTRADICTED, 0, size - 1


def add_a_cosignature_of_another_checkpoint(published: Published) -> Found:
    other = checkpoint_of(published.log.leaves[: published.somewhere()])
    published.files["checkpoint"] += cosignature(other, by=published.random.choice((CLASSIC, POST_QUANTUM)))
    return FindingKind.BAD_COSIGNATURE, 0, SIZE - 1


def back_date_and_sign_anew(published: Published) -> Found:
    position = published.somewhere()
    published.publish(published.log.changed(position, another_time))
    return FindingKind.TIME_RUNS_BACKWARDS, position, position


ON_FILES: Mapping[str, Attack] = {
    "an entry edited": edit_an_entry,
    "an entry edited with its hash": edit_an_entry_with_its_hash,
    "a bad leaf tile": flip_a_bit_of_a_leaf_tile,
    "a bad higher tile": flip_a_bit_of_a_higher_tile,
    "a torn leaf tile": tear_a_leaf_tile,
    "a torn higher tile": tear_a_higher_tile,
    "a torn bundle": tear_a_bundle_within_an_entry,
    "a missing bundle": lose_a_bundle,
    "a missing tile": lose_a_leaf_tile,
    "a bundle in another's place": put_a_bundle_in_anothers_place,
    "two bundles swapped with their tiles": swap_two_bundles_with_their_tiles,
    "a forged checkpoint": forge_a_checkpoint,
    "a checkpoint rolled back": roll_back_to_an_older_checkpoint,
    "rewritten and signed anew": rewrite_and_sign_anew,
    "a foreign cosignature": add_a_cosignature_of_another_checkpoint,
    "back-dated": back_date_and_sign_anew,
}
