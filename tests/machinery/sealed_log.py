"""A log with sealed sections beside its entries, signed now and then, as files and as a bundle; no ledger is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import msgspec

from shared.entries import Commitment, Entry, Subject, encode_entry
from shared.identifiers import ChildRef, EntryId, Position
from shared.transparency.signed_note import NoteSigner
from shared.vocabulary import EntryType
from tests.machinery.bundles import Members, bundle_members
from tests.machinery.static_log import SIGNER, checkpoint_of

SIZE, HEAD_EVERY, CHILDREN = 600, 100, 7


def sealed_bytes(position: int, name: str) -> bytes:
    """Return what stands for a sealed section, whose plaintext nobody needs here."""
    return sha256(b"%d %s" % (position, name.encode())).digest() * 3


def entry_at(position: int) -> Entry:
    """Return the entry at a position: the log's key, then shares about a few children."""
    time = f"2026-11-24T10:{position // 60:02d}:{position % 60:02d}.000000Z"
    entry = Entry(Position(position), EntryId(f"{position:032x}"), EntryType.LEDGER_OPENED, time)
    if position == 0:
        return msgspec.structs.replace(entry, facts={"vkey": SIGNER.verifier().verifier_key()})
    child, version = ChildRef(f"{position % CHILDREN:032x}"), -(-position // CHILDREN)
    return msgspec.structs.replace(
        entry,
        type=EntryType.SHARE_RECORDED,
        subjects=(Subject(child, version, ()),),
        commitments={
            name: Commitment("0" * 64, sha256(sealed_bytes(position, name)).hexdigest())
            for name in ("body", "signature")
        },
    )


@dataclass(frozen=True, slots=True)
class SealedLog:
    """Entries in order, with who signs for them."""

    entries: Sequence[Entry] = field(default_factory=lambda: [entry_at(position) for position in range(SIZE)])
    signer: NoteSigner = SIGNER

    def changed(self, position: int, change: Callable[[Entry], Entry]) -> "SealedLog":
        """Return the log with one entry changed, to be signed anew."""
        return replace(self, entries=[change(each) if each.position == position else each for each in self.entries])

    def first(self, size: int) -> "SealedLog":
        """Return the log as it was when it had so many entries."""
        return replace(self, entries=self.entries[:size])

    @property
    def leaves(self) -> list[bytes]:
        """The entries' bytes."""
        return [encode_entry(entry) for entry in self.entries]

    def heads(self) -> list[bytes]:
        """Return the signed checkpoints, the last of them of the whole log."""
        leaves = self.leaves
        sizes = [*range(HEAD_EVERY, len(leaves), HEAD_EVERY), len(leaves)]
        return [checkpoint_of(leaves[:size], signer=self.signer) for size in sizes]

    def bundle(self) -> Members:
        """Return the members of the log's bundle."""
        sections = [
            (entry.position, name, sealed_bytes(entry.position, name))
            for entry in self.entries
            for name in sorted(entry.commitments)
        ]
        return bundle_members(self.leaves, heads=self.heads(), sections=sections)
