"""Answering who knew what from entries that are held against what was signed: a changed one is never told as a fact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.ledger.as_recorded import AsPublished, check_recorded
from services.ledger.audit.who_knew import who_knew
from services.ledger.ports import HashedEntry
from shared.entries import parse_entry
from shared.identifiers import ChildRef, parse_child_ref
from shared.ledger.audit_messages import WhoKnew, WhoKnewQuery
from shared.ledger.registry_copy import RegistryCopy


class HashedEntries(Protocol):
    """Reads a child's entries with the hashes stored beside them."""

    async def hashed_child_entries(self, ref: ChildRef) -> Sequence[HashedEntry]:
        """Return every entry about a child, and every opening of a whole range of entries, in order."""
        ...


@dataclass(frozen=True, slots=True)
class WhoKnewAnswerer:
    """Answers auditors. ``registry`` is refreshed for each answer."""

    entries: HashedEntries
    published: AsPublished
    registry: RegistryCopy

    async def answer(self, asked: WhoKnewQuery) -> WhoKnew:
        """Return who knew what about a child at a moment, and how far that is under a checkpoint the log has signed.

        Raises LedgerDamaged when an entry is not what was recorded or published, or one of them is missing.
        """
        child = parse_child_ref(asked.child)
        stored = await self.entries.hashed_child_entries(child)
        check_recorded(stored)
        entries = [parse_entry(each.leaf) for each in stored]
        told = [each for each, entry in zip(stored, entries, strict=True) if entry.time <= asked.as_at]
        verification = await self.published.verification(told)
        await self.registry.refresh()
        registry = self.registry.current
        return who_knew(entries, child=child, as_at=asked.as_at, registry=registry, verification=verification)
