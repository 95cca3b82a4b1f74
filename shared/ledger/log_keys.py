"""Which of a log's keys may be trusted by somebody who began with one that they kept, be it the first or the newest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shared.entries import Entry
from shared.errors import ExchangeError
from shared.ledger.facts import read_facts
from shared.ledger.service_keys import LogKeyFacts, RetiredLogKeyFacts
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import Ed25519Verifier, NoteUnsigned, NoteVerifier, split_note
from shared.transparency.verifier_key import parse_verifier_key
from shared.vocabulary import EntryType

LOG_KEY_TYPES = frozenset({EntryType.LEDGER_OPENED, EntryType.LOG_KEY_ADDED, EntryType.LOG_KEY_RETIRED})

KeyName = tuple[str, bytes]
"""A key's name and id, as its signature lines bear them."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key with where the log gave it up, if it did, and from when on it had then been in other hands.

    ``trusted`` is whether the auditor kept it, or a key they trust has signed for the entry that introduces it.
    """

    verifier: NoteVerifier
    trusted: bool
    retired_at: int | None = None
    compromised_from: str | None = None

    def signs(self, size: int) -> bool:
        """Return whether it may have signed a checkpoint of that size."""
        return self.retired_at is None or size <= self.retired_at


class TrustedLogKeys:
    """What the entries say of the log's keys, and which of them are proven.

    An entry counts once a checkpoint with its tree is found signed by a key that the log itself had introduced by
    then. It is *proven* when one of those who signed is a key that the auditor trusts: that checkpoint vouches for all
    before it, so that the newest key proves the older ones, and the first proves the later ones step by step. What no
    such checkpoint covers, a forger may have written: ``vouched`` is then false at the end.
    """

    def __init__(self, kept: Iterable[NoteVerifier]) -> None:
        self._keys: Mapping[KeyName, LogKey] = {(each.name, each.key_id): LogKey(each, trusted=True) for each in kept}
        self._names = {name for name, _ in self._keys}
        self._waiting: list[Entry] = []
        self.vouched = True

    def open(self, note: bytes) -> Checkpoint:
        """Return what a checkpoint says, if a key of the log signed it that may sign at its size.

        ``vouched`` says whether a trusted one did. Raises NoteUnsigned, naming who signed it instead, and what
        ``open_checkpoint`` raises.
        """
        keys = self._with_waiting()
        size = read_unverified_checkpoint(note).size
        in_force = [each for each in keys.values() if each.signs(size)]
        try:
            checkpoint = open_checkpoint(note, [each.verifier for each in in_force if each.trusted])
            self.vouched = True
        except NoteUnsigned:
            try:
                checkpoint = open_checkpoint(note, [each.verifier for each in in_force if not each.trusted])
            except NoteUnsigned as error:
                raise NoteUnsigned(f"it {self._signed_by(note)}") from error
            self.vouched = False
        return checkpoint

    def open_kept(self, note: bytes) -> Checkpoint:
        """Return what a checkpoint kept from any time says. Raises as ``open``."""
        size = read_unverified_checkpoint(note).size
        try:
            return open_checkpoint(
                note, [each.verifier for each in self._keys.values() if each.trusted and each.signs(size)]
            )
        except NoteUnsigned as error:
            raise NoteUnsigned(f"it {self._signed_by(note)}") from error

    def take(self, entry: Entry) -> None:
        """Note what an entry says of keys; it counts once a checkpoint covers it."""
        if entry.type in LOG_KEY_TYPES:
            self._waiting.append(entry)

    def proven(self) -> None:
        """Count what the entries taken so far say: the checkpoint that ``open`` returned last covers them all."""
        for entry in self._waiting:
            self._keys = self._learnt(self._keys, entry)
        self._waiting.clear()
        if self.vouched:
            self._keys = {name: replace(key, trusted=True) for name, key in self._keys.items()}

    def refuted(self) -> None:
        """Forget what was taken since: no checkpoint covers it."""
        self._waiting.clear()

    def in_force(self) -> tuple[NoteVerifier, ...]:
        """Return the trusted keys that have not been given up."""
        return tuple(each.verifier for each in self._keys.values() if each.trusted and each.retired_at is None)

    def _with_waiting(self) -> Mapping[KeyName, LogKey]:
        """Return the keys as the entries say that a checkpoint is now to cover.

        A key that is added must not cover its own entry; only the log's first key does, as nothing came before it.
        """
        keys = self._keys
        for entry in self._waiting:
            if entry.type is not EntryType.LOG_KEY_ADDED:
                keys = self._learnt(keys, entry)
        return keys

    def _learnt(self, keys: Mapping[KeyName, LogKey], entry: Entry) -> Mapping[KeyName, LogKey]:
        try:
            facts = _facts(entry)
            verifier = parse_verifier_key(facts.vkey)
        except ExchangeError:
            return keys
        name = (verifier.name, verifier.key_id)
        if not isinstance(verifier, Ed25519Verifier) or verifier.name not in self._names:
            return keys
        held = keys.get(name, LogKey(verifier, trusted=False))
        if entry.type is not EntryType.LOG_KEY_RETIRED:
            # What was given up once stays so, whatever a later entry says.
            return {**keys, name: held}
        if not any(each.retired_at is None for other, each in keys.items() if other != name):
            return keys
        return {**keys, name: replace(held, retired_at=entry.position, compromised_from=facts.compromised_from)}

    def _signed_by(self, note: bytes) -> str:
        """Return by whom a note that no key opens is signed, in words."""
        said, keys = [], self._keys
        for entry in self._waiting:
            keys = self._learnt(keys, entry)
        for line in split_note(note)[1]:
            if line.name in self._names:
                key = keys.get((line.name, line.key_id))
                who = f"is signed by {line.name}+{line.key_id.hex()}, a key "
                if key is None:
                    said.append(who + "that this log never introduced")
                elif key.retired_at is None:
                    said.append(who + "for which no key that you trust has vouched")
                else:
                    marked = f", compromised from {key.compromised_from} on" if key.compromised_from else ""
                    said.append(who + f"that the log gave up at entry {key.retired_at}{marked}")
        return "; it ".join(said) or "is signed by no key of the log"


def _facts(entry: Entry) -> RetiredLogKeyFacts:
    """Return what an entry says of a log key. Raises IntegrityFailure when it cannot be read."""
    if entry.type is EntryType.LOG_KEY_RETIRED:
        return read_facts(entry, RetiredLogKeyFacts)
    if entry.type is EntryType.LOG_KEY_ADDED:
        return RetiredLogKeyFacts(read_facts(entry, LogKeyFacts).vkey)
    return RetiredLogKeyFacts(str(entry.facts.get("vkey")))
