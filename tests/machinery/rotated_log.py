"""A log whose key was rotated, leaf by leaf, with the checkpoint it signed at each step."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from shared.canonical_json import Json
from shared.entries import Entry, encode_entry
from shared.identifiers import EntryId, Position, TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import leaf_hash, tree_root
from shared.transparency.signed_note import NoteSigner
from shared.vocabulary import EntryType

ORIGIN = "log.example/rotated"


def log_key(number: int) -> NoteSigner:
    """Return one of the log's keys, or of a stranger who gives it the log's name."""
    return NoteSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


FIRST, SECOND, THIRD, STRANGER = (log_key(number) for number in range(1, 5))


@dataclass
class RotatedLog:
    """Leaves and signed heads, each head covering all before it."""

    leaves: list[bytes]
    heads: list[bytes]

    def add(self, entry_type: EntryType, facts: dict[str, Json] | None = None) -> int:
        """Append an entry; return its position."""
        position = len(self.leaves)
        entry = Entry(Position(position), EntryId(f"{position:032x}"), entry_type, "2026-11-24T10:00:00.000000Z")
        self.leaves.append(encode_entry(replace(entry, facts=facts or {})))
        return position

    def sign(self, *signers: NoteSigner) -> bytes:
        """Sign the tree as it is, keep the head, and return it."""
        root = tree_root([leaf_hash(leaf) for leaf in self.leaves])
        self.heads.append(sign_checkpoint(Checkpoint(ORIGIN, TreeSize(len(self.leaves)), root), signers))
        return self.heads[-1]

    def rotate(self, old: NoteSigner, new: NoteSigner, *, compromised_from: str | None = None) -> int:
        """Announce the next key, sign with both, then give the old one up. Return where it was given up."""
        self.add(EntryType.LOG_KEY_ADDED, {"vkey": new.verifier().verifier_key()})
        facts: dict[str, Json] = {
            "vkey": old.verifier().verifier_key(),
            "vouched_by": self.sign(old, new).decode("utf-8"),
        }
        if compromised_from is not None:
            facts["compromised_from"] = compromised_from
        position = self.add(EntryType.LOG_KEY_RETIRED, facts)
        self.sign(new)
        return position


def rotated_log(*, compromised_from: str | None = None) -> RotatedLog:
    """Return a log opened under the first key, then rotated to the second and to the third."""
    log = RotatedLog([], [])
    log.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key()})
    log.sign(FIRST)
    for old, new in ((FIRST, SECOND), (SECOND, THIRD)):
        for _ in range(150):
            log.add(EntryType.CONTENT_OPENED)
        log.sign(old)
        log.rotate(old, new, compromised_from=compromised_from)
    log.add(EntryType.CONTENT_OPENED)
    log.sign(THIRD)
    return log
