"""Entries held against what was recorded and published, each once: what is proven of an append-only log stays so."""

from collections.abc import Sequence
from typing import Protocol

from services.ledger.as_recorded import check_recorded
from services.ledger.audit.damage import damaged
from services.ledger.ports import HashedEntry
from shared.identifiers import Position
from shared.ledger.audit_messages import Verification

MOST_REMEMBERED = 100_000
"""Hashes that are remembered, some ten megabytes; then it begins anew."""


class HeldAgainst(Protocol):
    """What was published, which stored entries are held against."""

    async def verification(self, told: Sequence[HashedEntry]) -> Verification:
        """Return how far entries are proven. Raises LedgerDamaged when one is not the one that was published."""
        ...


async def check_entries(stored: Sequence[HashedEntry], published: HeldAgainst) -> Verification:
    """Return how far entries are proven, each of them being as it was recorded. Raises LedgerDamaged otherwise."""
    check_recorded(stored)
    return await published.verification(stored)


class ProvenEntries:
    """Checks entries, and remembers the hashes of those that are under a published checkpoint."""

    def __init__(self, published: HeldAgainst, *, most: int = MOST_REMEMBERED) -> None:
        self._published = published
        self._most = most
        self._proven: dict[Position, bytes] = {}

    async def check(self, stored: Sequence[HashedEntry]) -> None:
        """Return if every entry is as it was recorded and, as far as it is published, as it was published.

        Raises LedgerDamaged otherwise. What is not published yet is held against the hash stored beside it alone.
        """
        check_recorded(stored)
        for each in stored:
            if self._proven.get(each.position, each.leaf_hash) != each.leaf_hash:
                raise damaged(f"entry {each.position} is not the one that was signed and published")
        new = [each for each in stored if each.position not in self._proven]
        if not new:
            return
        verification = await self._published.verification(new)
        if len(self._proven) + len(new) > self._most:
            self._proven.clear()
        unproven = {*verification.unverified}
        self._proven |= {
            each.position: each.leaf_hash
            for each in new
            if each.position < verification.size and each.position not in unproven
        }
