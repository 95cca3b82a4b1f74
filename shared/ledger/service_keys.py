"""The ledger's own keys as its entries tell them: which wraps data keys, and which sign checkpoints."""

from dataclasses import dataclass, replace

import msgspec

from shared.entries import Entry
from shared.errors import IntegrityFailure
from shared.ledger.facts import read_facts
from shared.vocabulary import EntryType


class EncryptionKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``encryption_key.rotated``: which key wraps what is new from here on, and which did before. Ids only."""

    kek_id: str
    previous: str


class DestroyedKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``encryption_key.destroyed``: nothing is wrapped under this key any more, and it is gone for good."""

    kek_id: str


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """The state after some entries. ``encryption`` is None until the first rotation names a key.

    ``past_encryption`` are the keys rotated away from and not recorded as destroyed, the oldest first.
    """

    encryption: str | None = None
    past_encryption: tuple[str, ...] = ()

    def with_entry(self, entry: Entry) -> "ServiceKeys":
        """Return the state after ``entry``. Raises IntegrityFailure when it cannot follow what came before."""
        match entry.type:
            case EntryType.ENCRYPTION_KEY_ROTATED:
                return self._rotated(entry)
            case EntryType.ENCRYPTION_KEY_DESTROYED:
                return self._destroyed(entry)
            case _:
                return self

    def _rotated(self, entry: Entry) -> "ServiceKeys":
        facts = read_facts(entry, EncryptionKeyFacts)
        if self.encryption not in (None, facts.previous) or facts.kek_id == facts.previous:
            raise IntegrityFailure(f"the entry at position {entry.position} rotates from a key that is not in use")
        return replace(self, encryption=facts.kek_id, past_encryption=(*self.past_encryption, facts.previous))

    def _destroyed(self, entry: Entry) -> "ServiceKeys":
        facts = read_facts(entry, DestroyedKeyFacts)
        if facts.kek_id not in self.past_encryption:
            raise IntegrityFailure(f"the entry at position {entry.position} destroys a key that was never given up")
        return replace(self, past_encryption=tuple(each for each in self.past_encryption if each != facts.kek_id))
