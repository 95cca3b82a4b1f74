"""Holding stored entries against what was recorded and published: none that was changed is told as a fact."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.ledger.audit.damage import damaged
from services.ledger.ports import HashedEntry
from shared.errors import ExchangeError
from shared.ledger.audit_messages import Verification
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import leaf_hash
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tile_source import TileSource


def check_recorded(stored: Iterable[HashedEntry]) -> None:
    """Raise LedgerDamaged unless the bytes of each entry hash to what was recorded beside them."""
    for each in stored:
        if leaf_hash(each.leaf) != each.leaf_hash:
            raise damaged(f"the bytes of entry {each.position} are not those that were recorded")


@dataclass(frozen=True, slots=True)
class AsPublished:
    """The log as published. ``tiles`` are its files, which whoever changes the database does not change."""

    tiles: TileSource
    verifiers: Sequence[NoteVerifier]

    async def verification(self, told: Sequence[HashedEntry]) -> Verification:
        """Return how far entries stand under the published checkpoint, if one is there that the log's key signed.

        Raises LedgerDamaged when one of them is not the one that was published at its place.
        """
        try:
            checkpoint = open_checkpoint(await self.tiles.read("checkpoint"), self.verifiers)
        except ExchangeError:
            # Nothing is published yet, or nothing that this log's key signed: the answer says that it is unverified.
            return Verification()
        prover = TileProver(self.tiles, checkpoint)
        unproven = [each.position for each in told if not await _is_under(prover, checkpoint, each)]
        return Verification(not unproven, checkpoint.size, tuple(unproven))


async def _is_under(prover: TileProver, checkpoint: Checkpoint, entry: HashedEntry) -> bool:
    if entry.position >= checkpoint.size:
        return False
    # The writer runs in this process: nobody's share waits until a long history has been proven.
    await asyncio.sleep(0)
    try:
        proven = await prover.inclusion(entry.position)
    except ExchangeError:
        # A published file is missing or damaged, and the entry may well be whole: that is for a full check to say.
        return False
    if proven.leaf_hash != entry.leaf_hash:
        raise damaged(f"entry {entry.position} is not the one that was signed and published")
    return True
