"""Which of a log's keys may be trusted by somebody who began with one that they kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.entries import Entry
from shared.errors import ExchangeError, InvalidInput
from shared.ledger.facts import read_facts
from shared.ledger.service_keys import LogKeyFacts
from shared.transparency.checkpoint import Checkpoint, open_checkpoint
from shared.transparency.signed_note import Ed25519Verifier, NoteVerifier, parse_verifier_key
from shared.vocabulary import EntryType


@dataclass(slots=True)
class TrustedLogKeys:
    """Grows only by entries that a checkpoint proves which a trusted key signed.

    ``current`` are trusted for the next checkpoint, ``ever`` for whatever was kept from earlier. An entry that nobody
    trusted has vouched for teaches nothing: whoever could write entries could otherwise bring their own key.
    """

    current: list[NoteVerifier]
    ever: list[NoteVerifier] = field(default_factory=list)
    _waiting: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ever = [*self.current]

    def open(self, note: bytes) -> Checkpoint:
        """Return what a checkpoint says, if a key signed it that is trusted now. Raises as ``open_checkpoint``."""
        return open_checkpoint(note, self.current)

    def open_kept(self, note: bytes) -> Checkpoint:
        """Return what a checkpoint kept from any time says. Raises as ``open_checkpoint``."""
        return open_checkpoint(note, self.ever)

    def take(self, entry: Entry) -> None:
        """Note what an entry says of keys; it counts once it is proven."""
        if entry.type in (EntryType.LOG_KEY_ADDED, EntryType.LOG_KEY_RETIRED):
            self._waiting.append(entry)

    def proven(self) -> None:
        """Trust what the entries taken so far say: a checkpoint that ``open`` returned covers them all."""
        for entry in self._waiting:
            self._learn(entry)
        self._waiting.clear()

    def refuted(self) -> None:
        """Forget what was taken since: no trusted checkpoint covers it."""
        self._waiting.clear()

    def _learn(self, entry: Entry) -> None:
        try:
            verifier = parse_verifier_key(read_facts(entry, LogKeyFacts).vkey)
        except ExchangeError:
            return
        if entry.type is EntryType.LOG_KEY_ADDED and self._is_a_log_key(verifier):
            self.current.append(verifier)
            self.ever.append(verifier)
        elif entry.type is EntryType.LOG_KEY_RETIRED and any(each != verifier for each in self.current):
            self.current = [each for each in self.current if each != verifier]

    def _is_a_log_key(self, verifier: NoteVerifier) -> bool:
        return isinstance(verifier, Ed25519Verifier) and verifier.name in {each.name for each in self.current}


def parse_log_keys(lines: Iterable[str]) -> tuple[Ed25519Verifier, ...]:
    """Return the keys that verifier-key lines describe. Raises InvalidInput when one signs no checkpoints."""
    verifiers = []
    for line in lines:
        verifier = parse_verifier_key(line)
        if not isinstance(verifier, Ed25519Verifier):
            raise InvalidInput("the log's key is not one that signs checkpoints")
        verifiers.append(verifier)
    return tuple(verifiers)
