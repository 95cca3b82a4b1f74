"""Answering who knew what from entries that are held against what was signed: a changed one is never told as a fact."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.ledger.audit.damage import damaged
from services.ledger.audit.who_knew import who_knew
from services.ledger.ports import HashedEntry
from shared.entries import parse_entry
from shared.errors import ExchangeError
from shared.identifiers import ChildRef, parse_child_ref
from shared.ledger.audit_messages import Verification, WhoKnew, WhoKnewQuery
from shared.ledger.registry import Registry
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.merkle import leaf_hash
from shared.transparency.signed_note import NoteVerifier
from shared.transparency.tile_proofs import TileProver
from shared.transparency.tile_source import TileSource


class HashedEntries(Protocol):
    """Reads a child's entries with the hashes stored beside them, and the registry."""

    async def hashed_child_entries(self, ref: ChildRef) -> Sequence[HashedEntry]:
        """Return every entry about a child, and every opening of a whole range of entries, in order."""
        ...

    async def registry(self) -> Registry:
        """Return the registry as the committed entries make it."""
        ...


@dataclass(frozen=True, slots=True)
class WhoKnewAnswerer:
    """Answers auditors. ``tiles`` are the log's published files, which whoever changes the database does not change."""

    entries: HashedEntries
    tiles: TileSource
    verifiers: Sequence[NoteVerifier]

    async def answer(self, asked: WhoKnewQuery) -> WhoKnew:
        """Return who knew what about a child at a moment, and how far that is under a checkpoint the log has signed.

        Raises IntegrityFailure when an entry is not what was recorded or published, or one of them is missing.
        """
        child = parse_child_ref(asked.child)
        stored = await self.entries.hashed_child_entries(child)
        for each in stored:
            if leaf_hash(each.leaf) != each.leaf_hash:
                raise damaged(f"the bytes of entry {each.position} are not those that were recorded")
        entries = [parse_entry(each.leaf) for each in stored]
        told = [each for each, entry in zip(stored, entries, strict=True) if entry.time <= asked.as_at]
        verification = await self._verification(told)
        registry = await self.entries.registry()
        return who_knew(entries, child=child, as_at=asked.as_at, registry=registry, verification=verification)

    async def _verification(self, told: Sequence[HashedEntry]) -> Verification:
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
