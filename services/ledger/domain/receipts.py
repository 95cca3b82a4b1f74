"""The answer that a requester keeps: what the gateway said, completed with the proof that it is in the ledger.

It is stored without what stands beside it already (the entry's leaf, the batch's checkpoint), and made whole again
from those, byte for byte. docs/ledger-format.md gives the stored form.
"""

from collections.abc import Mapping, Sequence

import orjson

from services.ledger.domain.plan import PlannedEntry
from shared.errors import IntegrityFailure
from shared.transparency.merkle import HASH_BYTES
from shared.transparency.tlog_proof import LONGEST_PATH, format_proof

STORED_FORMAT = 1
"""First byte of a stored answer. Another layout of the answer, or of what is left out, is another number."""


def answer_bytes(planned: PlannedEntry, *, path: Sequence[bytes], checkpoint: bytes) -> bytes:
    """Return the answer's JSON bytes, given to the requester and to every repeat of the request.

    ``receipt.entry`` is the leaf as text and ``receipt.proof`` a C2SP tlog-proof of it: together they prove,
    offline, that the entry is in the ledger.
    """
    entry = planned.entry
    return _answer(
        planned.prepared.request.answer.body,
        entry_id=entry.id,
        position=entry.position,
        time=entry.time,
        child=entry.subjects[0].ref if entry.subjects else None,
        leaf=planned.leaf,
        proof=format_proof(entry.position, path=path, checkpoint=checkpoint),
    )


def stored_answer(planned: PlannedEntry, *, path: Sequence[bytes]) -> bytes:
    """Return what is stored of the answer: a format byte, the path's length, its hashes, and the gateway's words."""
    return b"".join((bytes((STORED_FORMAT, len(path))), *path, orjson.dumps(planned.prepared.request.answer.body)))


def whole_answer(stored: bytes, *, leaf: bytes, checkpoint: bytes) -> bytes:
    """Return the very bytes that ``answer_bytes`` gave, from what is stored, the entry's leaf and its batch's note.

    Raises IntegrityFailure when these were not stored by this ledger.
    """
    try:
        version, length = stored[0], stored[1]
        start = 2 + HASH_BYTES * length
        if version != STORED_FORMAT or length > LONGEST_PATH or len(stored) < start:
            raise ValueError
        body, entry = orjson.loads(stored[start:]), orjson.loads(leaf)
        position, subjects = entry["position"], entry["subjects"]
        return _answer(
            body,
            entry_id=entry["id"],
            position=position,
            time=entry["time"],
            child=subjects[0]["ref"] if subjects else None,
            leaf=leaf,
            proof=format_proof(
                position,
                path=[stored[at : at + HASH_BYTES] for at in range(2, start, HASH_BYTES)],
                checkpoint=checkpoint,
            ),
        )
    except (ValueError, LookupError, TypeError) as error:
        raise IntegrityFailure("a stored answer is not one that this ledger gave") from error


def _answer(
    body: Mapping[str, object],
    *,
    entry_id: str,
    position: int,
    time: str,
    child: str | None,
    leaf: bytes,
    proof: bytes,
) -> bytes:
    return orjson.dumps(
        {
            **body,
            "id": entry_id,
            "position": position,
            "recorded_at": time,
            "child": {"ref": child} if child is not None else None,
            "receipt": {"entry": leaf.decode("utf-8"), "proof": proof.decode("utf-8")},
        }
    )
