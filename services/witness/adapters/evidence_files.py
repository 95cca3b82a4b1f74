"""Evidence of forks as files: one for each pair of notes, written whole or not at all, never overwritten."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from services.witness.domain.judging import Suspicion
from services.witness.keys import parse_log_key
from services.witness.ports import Evidence
from shared.clock import Clock, rfc3339
from shared.errors import IntegrityFailure, InvalidInput, Unavailable
from shared.transparency.checkpoint import Checkpoint, open_checkpoint, read_unverified_checkpoint
from shared.transparency.signed_note import Ed25519Verifier

FORMAT = "safeguarding-exchange/fork-evidence/v2"
MOST_UNPROVEN = 1_000
"""Anybody can bring a log's newer checkpoint with a wrong proof; two roots for one size only the log can bring."""


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """A file of evidence as it stands: two notes of one log, the first as this witness cosigned it."""

    path: Path
    found_at: str
    suspicion: Suspicion
    cosigned: Checkpoint
    presented: Checkpoint
    log_keys: tuple[Ed25519Verifier, ...]
    """What opens both notes, as this witness was given it. Whether these were the log's keys, the log's record says."""


class EvidenceFiles:
    """A folder of evidence, made when it is first needed."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def keep(self, evidence: Evidence) -> bool:
        """Keep it unless the same two notes' trees are kept; durable when this returns. Returns whether it is new.

        Raises Unavailable when the disk refuses.
        """
        cosigned, presented = (
            read_unverified_checkpoint(evidence.cosigned),
            read_unverified_checkpoint(evidence.presented),
        )
        # Named by the trees and not by the notes, since an Ed25519 signature's maker may make many of one body.
        name = sha256(cosigned.body() + b"\n" + presented.body()).hexdigest()[:32]
        path = self._folder / f"{evidence.suspicion}-{cosigned.size}-{presented.size}-{name}.json"
        try:
            if path.exists() or self._is_full(evidence.suspicion):
                return False
            self._write(path, evidence)
        except OSError as error:
            raise Unavailable(f"the evidence cannot be written: {error.strerror}") from error
        return True

    def _is_full(self, suspicion: Suspicion) -> bool:
        return suspicion is Suspicion.UNPROVEN and len(list(self._folder.glob("unproven-*"))) >= MOST_UNPROVEN

    def _write(self, path: Path, evidence: Evidence) -> None:
        content = {
            "format": FORMAT,
            "found_at": rfc3339(self._clock.now()),
            "suspicion": evidence.suspicion.value,
            "cosigned": evidence.cosigned.decode("utf-8"),
            "presented": evidence.presented.decode("utf-8"),
            "log_keys": [key.verifier_key() for key in evidence.log_keys],
            "presented_proof": [each.hex() for each in evidence.proof],
        }
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
                file.flush()
                os.fsync(file.fileno())
            half.rename(path)
        except OSError:
            half.unlink(missing_ok=True)
            raise
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def read_evidence(folder: Path) -> Sequence[KeptEvidence]:
    """Return what a folder holds, oldest first. Raises InvalidInput for a file that is no evidence."""
    return sorted((_read(path) for path in folder.glob("*.json")), key=lambda each: (each.found_at, each.path.name))


def _read(path: Path) -> KeptEvidence:
    try:
        held = orjson.loads(path.read_bytes())
        if held["format"] != FORMAT:
            raise InvalidInput(f"{path.name} is evidence in a format that is not known here")
        keys = tuple(parse_log_key(text) for text in held["log_keys"])
        return KeptEvidence(
            path,
            str(held["found_at"]),
            Suspicion(held["suspicion"]),
            open_checkpoint(held["cosigned"].encode(), keys),
            open_checkpoint(held["presented"].encode(), keys),
            keys,
        )
    except IntegrityFailure as error:
        raise InvalidInput(f"{path.name} holds a note that none of its keys signed: it proves nothing") from error
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidInput(f"{path.name} is not a file of evidence") from error
