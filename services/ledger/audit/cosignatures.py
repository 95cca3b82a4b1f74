"""Who else vouches for a log's checkpoints: cosignatures by the witnesses whose keys the auditor gives."""

from collections.abc import Sequence

from services.ledger.audit.findings import FindingKind, Report, WitnessStanding
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import NoteSignatureInvalid, NoteVerifier, split_note


def check_cosignatures(report: Report, notes: Sequence[bytes], witnesses: Sequence[NoteVerifier]) -> None:
    """Note how far each witness has cosigned, and report each cosignature that is not of the checkpoint it stands on.

    A key that cosigned nothing stands in the report as well: whoever gave it must not take silence for consent.
    Whether the checkpoints are this log's is for others to check. Witnesses whose keys are not given are passed over.
    Raises InvalidInput when a note is no checkpoint.
    """
    reached = dict[tuple[str, bytes], int]()
    known = {(witness.name, witness.key_id): witness for witness in witnesses}
    for note in notes:
        size = read_unverified_checkpoint(note).size
        text, signatures = split_note(note)
        for line in signatures:
            witness = known.get((line.name, line.key_id))
            if witness is None:
                continue
            try:
                witness.verify(text, line.signature)
            except NoteSignatureInvalid:
                report.find(
                    FindingKind.BAD_COSIGNATURE,
                    f"the cosignature by {line.name} on the checkpoint of {size} entries is not of that checkpoint",
                    at=0,
                    to=max(size - 1, 0),
                )
            else:
                reached[line.name, line.key_id] = max(size, reached.get((line.name, line.key_id), 0))
    report.witnesses = [WitnessStanding(name, key_id.hex(), reached.get((name, key_id))) for name, key_id in known]
