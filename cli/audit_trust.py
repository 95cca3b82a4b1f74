"""By whose word a check of the ledger goes: the log's key and the checkpoints kept, each with who gave it."""

from dataclasses import dataclass
from pathlib import Path

from cli import reach
from shared.errors import InvalidInput
from shared.transparency.checkpoint import open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import NoteSignatureInvalid, NoteUnsigned, NoteVerifier, split_note
from shared.transparency.verifier_key import parse_log_keys

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


def _not_signed(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path} is not a checkpoint that this log signed: nothing was checked",
        remedy="It was damaged or forged, or the --log-key is another log's. It says nothing about the log itself.",
    )
