"""RFC 6962 Merkle trees: growing one from its frontier, and checking proofs of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import TreeSize

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree of no leaves (RFC 6962 section 2.1)."""


class ProofInvalid(IntegrityFailure):
    """A proof does not lead from what it claims to the root it was checked against."""

    code = "proof-invalid"


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and its bytes (RFC 6962 section 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01 and its children's (RFC 6962 section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: the roots of its maximal complete subtrees, largest first.

    Together with ``size`` it is all that is needed to grow the tree.
    """

    size: TreeSize
    nodes: tuple[bytes, ...]

    def root(self) -> bytes:
        """Return the tree's root."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the frontier as 8 bytes of size (big endian) and its hashes."""
        return self.size.to_bytes(8) + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Return the frontier that ``to_bytes`` wrote. Raises InvalidInput for anything else."""
        size, hashes = int.from_bytes(data[:8]), data[8:]
        if len(data) < 8 or len(hashes) != size.bit_count() * HASH_BYTES:
            raise InvalidInput("the bytes are not a tree's frontier")
        nodes = tuple(hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES))
        return cls(TreeSize(size), nodes)


EMPTY = Frontier(TreeSize(0), ())
"""The frontier of the tree of no leaves."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree after leaves were added: its frontier and root, and each new leaf's inclusion path in it."""

    frontier: Frontier
    root: bytes
    paths: list[tuple[bytes, ...]]


def grow(frontier: Frontier, leaf_hashes: Sequence[bytes]) -> Growth:
    """Return the tree after adding leaves, with the inclusion path of each of them at the new size.

    Costs as many hashes as the batch has leaves plus the tree's height, whatever the tree's size.
    """
    if not leaf_hashes:
        return Growth(frontier, frontier.root(), [])
    new_size = frontier.size + len(leaf_hashes)
    old_nodes, new_nodes = list(frontier.nodes), list[bytes]()
    # `level` holds the nodes of one height from index `first` on. An odd last node is promoted as it is, which gives
    # the same tree as RFC 6962's recursive definition.
    level, first, height = list(leaf_hashes), int(frontier.size), 0
    climbed: list[tuple[list[bytes], int]] = []
    while len(level) > 1:
        joined = first & 1
        if joined:
            level.insert(0, old_nodes.pop())
            first -= 1
        if (new_size >> height) & 1:
            new_nodes.append(level[(new_size >> height) - 1 - first])
        climbed.append((level, joined))
        pairs = [node_hash(level[left], level[left + 1]) for left in range(0, len(level) - 1, 2)]
        if len(level) & 1:
            pairs.append(level[-1])
        level, first, height = pairs, first >> 1, height + 1
    # From here on one node stands above the whole batch, and only nodes of the old tree can join it from the left.
    node, above = level[0], tuple(reversed(old_nodes))
    if (first + 1) << height == new_size:
        while first & 1:
            node, first = node_hash(old_nodes.pop(), node), first >> 1
        new_nodes.append(node)
    new_nodes.extend(reversed(old_nodes))
    grown = Frontier(TreeSize(new_size), tuple(reversed(new_nodes)))
    return Growth(grown, grown.root(), _paths(climbed, above))


def _paths(climbed: Sequence[tuple[list[bytes], int]], above: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """Return each new leaf's path, from the levels climbed (with 1 where an old node leads) and the path above them.

    A node's path is its sibling and its parent's path, so leaves share the work for what they have in common.
    """
    paths = [above]
    for level, joined in reversed(climbed):
        paired = len(level) & ~1
        below = [(level[index ^ 1],) + paths[index >> 1] for index in range(joined, paired)]
        if paired < len(level):
            below.append(paths[-1])
        paths = below
    return paths


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree of those leaf hashes, by the definition of RFC 6962 section 2.1."""
    count = len(leaf_hashes)
    if count == 0:
        return EMPTY_ROOT
    if count == 1:
        return leaf_hashes[0]
    split = _split(count)
    return node_hash(tree_root(leaf_hashes[:split]), tree_root(leaf_hashes[split:]))


def inclusion_path(leaf_hashes: Sequence[bytes], position: int) -> tuple[bytes, ...]:
    """Return the inclusion path of one leaf, by the definition of RFC 6962 section 2.1.1."""
    if not 0 <= position < len(leaf_hashes):
        raise InvalidInput("there is no leaf at that position")
    if len(leaf_hashes) == 1:
        return ()
    split = _split(len(leaf_hashes))
    if position < split:
        return (*inclusion_path(leaf_hashes[:split], position), tree_root(leaf_hashes[split:]))
    return (*inclusion_path(leaf_hashes[split:], position - split), tree_root(leaf_hashes[:split]))


def consistency_path(leaf_hashes: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of the first ``old_size`` leaves is a prefix (RFC 6962 section 2.1.2)."""
    if not 0 < old_size <= len(leaf_hashes):
        raise InvalidInput("an old size from 1 to the tree's size is expected")
    return _subproof(leaf_hashes, old_size, whole=True)


def verify_inclusion(leaf: bytes, *, position: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Return when the leaf hash stands at a position of the tree of that size and root; raise ProofInvalid if not.

    A root does not bind its size: take both from one verified checkpoint. Raises InvalidInput for a position outside
    the tree or hashes that are not 32 bytes.
    """
    if not 0 <= position < size:
        raise InvalidInput("the position is not in a tree of that size")
    _check_hashes((leaf, root, *path))
    index, last, node = position, size - 1, leaf
    remaining = list(path)
    while last > 0:
        if index & 1 or index < last:
            if not remaining:
                raise ProofInvalid("the inclusion proof is too short")
            sibling = remaining.pop(0)
            node = node_hash(sibling, node) if index & 1 else node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if remaining:
        raise ProofInvalid("the inclusion proof is too long")
    if node != root:
        raise ProofInvalid("the inclusion proof does not lead to the root")


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Return when the old tree is a prefix of the new one; raise ProofInvalid if not (RFC 6962 section 2.1.2).

    Raises InvalidInput for sizes that cannot be or hashes that are not 32 bytes.
    """
    if not 0 < old_size <= new_size:
        raise InvalidInput("sizes from 1 on are expected, the old one not above the new one")
    _check_hashes((old_root, new_root, *path))
    if old_size == new_size:
        if path or old_root != new_root:
            raise ProofInvalid("trees of one size are consistent only if their roots are equal")
        return
    remaining = list(path)
    index, last = old_size - 1, new_size - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    # A complete old tree is its own first node; the proof leaves it out.
    if index == 0:
        old_node = new_node = old_root
    else:
        if not remaining:
            raise ProofInvalid("the consistency proof is too short")
        old_node = new_node = remaining.pop(0)
    while last > 0:
        if index & 1 or index < last:
            if not remaining:
                raise ProofInvalid("the consistency proof is too short")
            sibling = remaining.pop(0)
            if index & 1:
                old_node, new_node = node_hash(sibling, old_node), node_hash(sibling, new_node)
            else:
                new_node = node_hash(new_node, sibling)
        index, last = index >> 1, last >> 1
    if remaining:
        raise ProofInvalid("the consistency proof is too long")
    if old_node != old_root or new_node != new_root:
        raise ProofInvalid("the consistency proof does not lead to both roots")


def _subproof(leaf_hashes: Sequence[bytes], old_size: int, *, whole: bool) -> tuple[bytes, ...]:
    count = len(leaf_hashes)
    if old_size == count:
        return () if whole else (tree_root(leaf_hashes),)
    split = _split(count)
    if old_size <= split:
        return (*_subproof(leaf_hashes[:split], old_size, whole=whole), tree_root(leaf_hashes[split:]))
    return (*_subproof(leaf_hashes[split:], old_size - split, whole=False), tree_root(leaf_hashes[:split]))


def _split(count: int) -> int:
    """Return the largest power of two below ``count``."""
    return 1 << (count - 1).bit_length() - 1


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise InvalidInput("a hash of 32 bytes is expected")
