"""By whose word a check of the ledger goes: the log's key and the checkpoints kept, each with who gave it."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from cli import reach
from shared.errors import InvalidInput
from shared.transparency.checkpoint import open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import (
    Ed25519Verifier,
    NoteSignatureInvalid,
    NoteUnsigned,
    NoteVerifier,
    split_note,
)
from shared.transparency.verifier_key import parse_log_keys, parse_verifier_key

HAVE_THE_KEY = (
    "Give the log's verifier key (name+id+base64) with --log-key: as you, an agency or a witness noted it earlier from "
    "/v1/keys, and not as whoever is to be checked says it is."
)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """The log's key that a check begins with: ``given`` by the auditor, or else this machine's own."""

    text: str
    given: bool

    def verifier(self) -> NoteVerifier:
        """Return what verifies its signatures. Raises InvalidInput when it is no log's key."""
        return parse_log_keys([self.text])[0]

    def origin(self) -> str:
        """Return what its log is called."""
        return self.verifier().name

    def in_words(self) -> str:
        """Return which key it was and where it came from."""
        if self.given:
            return f"Checked with the log key {self.text}, which you gave."
        return (
            f"Checked with the log key {self.text}, this machine's own: that proves nothing against whoever runs it. "
            "Give --log-key."
        )

    def as_json(self) -> dict[str, str]:
        """Return the same for a program."""
        return {"key": self.text, "from": "you" if self.given else "this machine"}


@dataclass(frozen=True, slots=True)
class Held:
    """The checkpoints that a log is held against: the auditor's own apart from what this machine itself remembers."""

    yours: tuple[bytes, ...]
    this_machine: tuple[bytes, ...] = ()

    def notes(self) -> tuple[bytes, ...]:
        """Return them all."""
        return self.yours + self.this_machine

    def in_words(self, *, unproven: Set[int]) -> Iterator[str]:
        """Yield which they were, leaving out sizes that nothing could be held against; say so where none is theirs."""
        yours = [size for size in _sizes(self.yours) if size not in unproven]
        if yours:
            yield f"Held against the checkpoints that you kept: of {_listed(yours)} entries."
        elif not self.yours:
            yield (
                "No checkpoint of yours was given: a history that was rewritten and signed again would pass. "
                "Give one that you kept with --checkpoint."
            )
        own = [size for size in _sizes(self.this_machine) if size not in unproven]
        if own:
            yield (
                f"Held against what this machine itself remembers: of {_listed(own)} entries. "
                "That proves nothing against whoever runs it."
            )

    def as_json(self) -> dict[str, list[int]]:
        """Return their sizes for a program."""
        return {"yours": _sizes(self.yours), "this_machine": _sizes(self.this_machine)}


def trusted_key(text: str | None, *, own: bool) -> TrustedKey:
    """Return the log's key that was named; the one of the exchange that runs here if none was and ``own`` is checked.

    An empty one is a shell's unset variable, and is never taken for none: raises InvalidInput for it, for what is no
    log's key, and for none where the log is not that of the exchange here; Unavailable when none runs here.
    """
    if text is not None:
        if not text.strip():
            raise InvalidInput("the --log-key is empty", remedy=HAVE_THE_KEY)
        given = TrustedKey(text.strip(), given=True)
        given.verifier()
        return given
    if not own:
        raise InvalidInput("what comes from elsewhere is checked with a key that you kept alone", remedy=HAVE_THE_KEY)
    return TrustedKey(reach.addresses().log_key, given=False)


def parse_witness_key(text: str) -> NoteVerifier:
    """Return what verifies a witness's cosignatures. Raises InvalidInput for what is none's key.

    A log's own key is none: the log would vouch for itself.
    """
    verifier = parse_verifier_key(text)
    if isinstance(verifier, Ed25519Verifier):
        raise InvalidInput(
            f"{text} is no witness's key: what it signs are not cosignatures",
            remedy="Have the witness's verifier key from whoever runs it (`exchange witness keygen` prints it).",
        )
    return verifier


def read_kept_checkpoint(path: Path, key: NoteVerifier) -> bytes:
    """Return the note of a checkpoint that the auditor kept, held against the log's key before it is held against it.

    One that another key of this log's signed passes here: only the log can tell which keys it had. Raises InvalidInput,
    naming the file, for what is no checkpoint or was never signed by this log: it says nothing about the log.
    """
    note = path.read_bytes()
    try:
        said = read_unverified_checkpoint(note)
    except InvalidInput as error:
        raise InvalidInput(
            f"{path} is not a checkpoint ({error.detail})",
            remedy="Give one saved whole from /v1/audit/checkpoint, or from the published file `checkpoint`.",
        ) from error
    try:
        open_checkpoint(note, [key])
    except NoteUnsigned as error:
        if said.origin != key.name or all(line.name != key.name for line in split_note(note)[1]):
            raise _not_signed(path) from error
    except NoteSignatureInvalid as error:
        raise _not_signed(path) from error
    return note


def _sizes(notes: Sequence[bytes]) -> list[int]:
    return sorted({int(read_unverified_checkpoint(note).size) for note in notes})


def _listed(sizes: Sequence[int]) -> str:
    return " and ".join(filter(None, [", ".join(map(str, sizes[:-1])), str(sizes[-1])]))


def _not_signed(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path} is not a checkpoint that this log signed: nothing was checked",
        remedy="It was damaged or forged, or the --log-key is another log's. It says nothing about the log itself.",
    )
