"""A log that grows in memory, with checkpoints, proofs and requests to witnesses; and forks of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.merkle import consistency_path, leaf_hash, tree_root
from shared.transparency.signed_note import NoteSigner
from shared.transparency.witness_protocol import AddCheckpoint, format_request

ORIGIN = "ledger.example/grown"


@dataclass
class GrownLog:
    """Leaves, and a key that signs whatever it is given."""

    origin: str = ORIGIN
    leaves: list[bytes] = field(default_factory=lambda: [leaf_hash(b"entry %d" % n) for n in range(40)])
    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))

    @property
    def signer(self) -> NoteSigner:
        return NoteSigner(self.origin, self.key)

    def forked(self, *, at: int) -> Self:
        """Return a log of the same key and size that holds something else at a position."""
        leaves = [*self.leaves[:at], leaf_hash(b"rewritten"), *self.leaves[at + 1 :]]
        return type(self)(self.origin, leaves, self.key)

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, TreeSize(size), tree_root(self.leaves[:size]))

    def note(self, size: int) -> bytes:
        return sign_checkpoint(self.checkpoint(size), [self.signer])

    def proof(self, old_size: int, size: int) -> tuple[bytes, ...]:
        return consistency_path(self.leaves[:size], old_size) if old_size else ()

    def request(self, old_size: int, size: int, *, proof: Sequence[bytes] | None = None) -> bytes:
        path = self.proof(old_size, size) if proof is None else tuple(proof)
        return format_request(AddCheckpoint(TreeSize(old_size), path, self.note(size)))
