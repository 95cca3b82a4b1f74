"""The ledger's own keys as its entries tell them: which wraps data keys, and which sign checkpoints."""

from dataclasses import dataclass, replace

import msgspec

from shared.entries import Entry
from shared.errors import IntegrityFailure
from shared.ledger.facts import read_facts
from shared.vocabulary import EntryType


class EncryptionKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``encryption_key.rotated``: which key wraps what is new from here on, and which did before. Ids only.

    ``by``, here and below, is the account of who did it; the earliest entries do not say.
    """

    kek_id: str
    previous: str
    by: str | None = None


class DestroyedKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``encryption_key.destroyed``: nothing is wrapped under this key any more, and it is gone for good."""

    kek_id: str
    by: str | None = None


class LogKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``log_key.added``: a verifier key that signs checkpoints from here on."""

    vkey: str
    by: str | None = None


class RetiredLogKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``log_key.retired``: a verifier key that signs no more.

    ``vouched_by`` is the checkpoint, signed by this key too, that covers the ``log_key.added`` of the key that goes on:
    so whoever holds this key and only the log's files can follow. ``compromised_from`` (RFC 3339, UTC) is from when on
    it was in other hands.
    """

    vkey: str
    vouched_by: str | None = None
    compromised_from: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """The state after some entries. ``encryption`` is None until the first rotation names a key.

    ``past_encryption`` are the keys rotated away from and not recorded as destroyed, ``log`` the verifier keys that
    sign checkpoints, and ``past_log`` those that were given up, which never sign again; each the oldest first.
    """

    encryption: str | None = None
    past_encryption: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    past_log: tuple[str, ...] = ()

    def with_entry(self, entry: Entry) -> "ServiceKeys":
        """Return the state after ``entry``. Raises IntegrityFailure when it cannot follow what came before."""
        match entry.type:
            case EntryType.ENCRYPTION_KEY_ROTATED:
                return self._rotated(entry)
            case EntryType.ENCRYPTION_KEY_DESTROYED:
                return self._destroyed(entry)
            case EntryType.LEDGER_OPENED:
                return replace(self, log=(str(entry.facts.get("vkey")),))
            case EntryType.LOG_KEY_ADDED:
                return self._log_key_added(entry)
            case EntryType.LOG_KEY_RETIRED:
                return self._log_key_retired(entry)
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

    def _log_key_added(self, entry: Entry) -> "ServiceKeys":
        vkey = read_facts(entry, LogKeyFacts).vkey
        if vkey in self.log:
            raise IntegrityFailure(f"the entry at position {entry.position} adds a log key that is in use")
        if vkey in self.past_log:
            # Whoever else may hold it by now would sign for the log again.
            raise IntegrityFailure(f"the entry at position {entry.position} adds a log key that was given up before")
        return replace(self, log=(*self.log, vkey))

    def _log_key_retired(self, entry: Entry) -> "ServiceKeys":
        vkey = read_facts(entry, RetiredLogKeyFacts).vkey
        if vkey not in self.log or len(self.log) == 1:
            raise IntegrityFailure(f"the entry at position {entry.position} retires a key the log cannot do without")
        kept = tuple(each for each in self.log if each != vkey)
        return replace(self, log=kept, past_log=(*self.past_log, vkey))
