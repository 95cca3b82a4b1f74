"""Whether a checkpoint may be cosigned: the checks of C2SP tlog-witness v1.0.0, in its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import IntegrityFailure, InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.merkle import EMPTY_ROOT, verify_consistency
from shared.transparency.signed_note import Ed25519Verifier, format_note, open_note
from shared.transparency.witness_protocol import AddCheckpoint, AnswerStatus


class Suspicion(StrEnum):
    """What a refused checkpoint, signed by the log itself, says about the log."""

    FORK = "fork"
    """The log has signed two roots for one size: proof that needs nothing but the two notes."""
    UNPROVEN = "unproven"
    """No proof came that the log still holds what was cosigned: a fork, or whoever asked could not prove better."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest checkpoint of a log that this witness cosigned, and the note with its cosignatures."""

    checkpoint: Checkpoint
    note: bytes
    log_keys: tuple[Ed25519Verifier, ...]
    """Every key that was trusted for the log whenever something of it was cosigned here, the retired ones too."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A checkpoint that a watched log signed, and its note without the lines of anybody else."""

    checkpoint: Checkpoint
    note: bytes
    log_keys: tuple[Ed25519Verifier, ...]
    """All that may sign for this log now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to answer; with ``OTHER_SIZE`` the size that is known, with a suspicion what to keep as evidence."""

    status: AnswerStatus
    size: TreeSize | None = None
    suspicion: Suspicion | None = None


class WatchedLogs:
    """The logs a witness watches, by origin, with the keys that may sign for each."""

    def __init__(self, keys: Sequence[Ed25519Verifier]) -> None:
        watched: dict[str, list[Ed25519Verifier]] = {}
        for key in keys:
            watched.setdefault(key.name, []).append(key)
        self._watched: Mapping[str, Sequence[Ed25519Verifier]] = watched

    @property
    def origins(self) -> frozenset[str]:
        """The origins that are watched."""
        return frozenset(self._watched)

    def authenticate(self, request: AddCheckpoint) -> Presented | AnswerStatus:
        """Return the request's checkpoint when a log that is watched signed it, and the refusal when not."""
        try:
            origin = read_unverified_checkpoint(request.note).origin
        except InvalidInput:
            return AnswerStatus.MALFORMED
        keys = self._watched.get(origin)
        if keys is None:
            return AnswerStatus.UNKNOWN_ORIGIN
        try:
            checkpoint = open_checkpoint(request.note, keys)
        except IntegrityFailure:
            return AnswerStatus.UNTRUSTED
        if request.old_size > checkpoint.size or (checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT):
            return AnswerStatus.MALFORMED
        # Lines of strangers are left out: they may be many, and a note holds only so many.
        note = format_note(checkpoint.body(), open_note(request.note, keys).verified)
        return Presented(checkpoint, note, tuple(keys))


def judge(request: AddCheckpoint, checkpoint: Checkpoint, *, latest: Latest | None) -> Verdict:
    """Return whether an authenticated checkpoint extends the latest one that was cosigned.

    ``latest`` must not change between this and the moment when the verdict is carried out.
    """
    known_size = TreeSize(0) if latest is None else latest.checkpoint.size
    if request.old_size != known_size:
        return Verdict(AnswerStatus.OTHER_SIZE, size=known_size)
    if latest is None or known_size == 0:
        # Everything extends the empty tree; a proof that proves nothing is refused for what it is.
        return Verdict(AnswerStatus.INCONSISTENT) if request.proof else Verdict(AnswerStatus.COSIGNED)
    if checkpoint.size == known_size and checkpoint.root != latest.checkpoint.root:
        return Verdict(AnswerStatus.INCONSISTENT, suspicion=Suspicion.FORK)
    try:
        verify_consistency(
            old_size=known_size,
            new_size=checkpoint.size,
            old_root=latest.checkpoint.root,
            new_root=checkpoint.root,
            path=request.proof,
        )
    except IntegrityFailure:
        same = checkpoint.root == latest.checkpoint.root and checkpoint.size == known_size
        return Verdict(AnswerStatus.INCONSISTENT, suspicion=None if same else Suspicion.UNPROVEN)
    return Verdict(AnswerStatus.COSIGNED)
